/** The little that tests use of two packages that come without types. */
declare module 'pg-cursor' {
  import type { Submittable } from 'pg';
  export default class Cursor<Row = Record<string, unknown>> implements Submittable {
    constructor(text: string, values?: unknown[], config?: { rowMode?: 'array' });
    submit(connection: unknown): void;
    read(rows: number): Promise<Row[]>;
    read(rows: number, callback: (error: Error | null, rows: Row[]) => void): void;
    close(): Promise<void>;
  }
}

declare module 'pg-copy-streams' {
  import type { Readable, Writable } from 'node:stream';
  import type { Submittable } from 'pg';
  export function from(sql: string): Writable & Submittable & { rowCount: number };
  export function to(sql: string): Readable & Submittable & { rowCount: number };
}
