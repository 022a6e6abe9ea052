import type { Pool, PoolConfig } from '../../sidecar/index.js';

export interface NewNote {
  readonly text: string;
  readonly big?: bigint | null;
  readonly tags?: unknown;
  readonly at?: Date;
}

export interface Note {
  readonly id: number;
  readonly text: string;
  readonly big: bigint | null;
  readonly tags: unknown;
  readonly at: Date;
}

/** What the scenarios do with the table `notes`, in the ORM's own words. */
export interface Notes {
  insert(note: NewNote): Promise<Note>;
  find(id: number): Promise<Note | undefined>;
  /** How many rows. */
  rename(id: number, text: string): Promise<number>;
  remove(id: number): Promise<number>;
  /** SQL as it stands, rows as objects. */
  raw(sql: string): Promise<Record<string, unknown>[]>;
}

/** An ORM connected by its recipe. */
export interface OpenOrm extends Notes {
  /** What the ORM stands on. */
  readonly pool: Pool;
  /** The same ORM on `pool.read`. */
  readonly reads: Notes;
  transaction<T>(work: (tx: Notes) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface OrmUnderTest {
  readonly name: string;
  open(config: PoolConfig): OpenOrm | Promise<OpenOrm>;
  /** What the driver threw, dug out of an error of the ORM as the recipe says. */
  thrown(error: unknown): unknown;
  /** Whether that is still the object that was thrown; else only its `code` is. */
  readonly keepsErrors: boolean;
  /** Whether a single statement is a `pool.query`, which `pool.read` may repeat; else it takes a session from the pool. */
  readonly usesPoolQuery: boolean;
}
