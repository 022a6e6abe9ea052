import pg from 'pg';
import {
  DataSource,
  EntitySchema,
  QueryFailedError,
  QueryRunnerAlreadyReleasedError,
  QueryRunnerProviderAlreadyReleasedError,
} from 'typeorm';
import { ConnectionLostError, Pool, type PoolConfig } from '../../../sidecar/index.js';

interface NoteRow {
  id: number;
  text: string;
  big: string | null;
  tags: unknown;
  at: Date;
}

export const Notes = new EntitySchema<NoteRow>({
  name: 'Note',
  tableName: 'notes',
  columns: {
    id: { type: 'integer', primary: true, generated: 'increment' },
    text: { type: 'text' },
    big: { type: 'bigint', nullable: true },
    tags: { type: 'jsonb', nullable: true },
    at: { type: 'timestamptz', default: () => 'now()' },
  },
});

/** TypeORM makes its pool with `new Pool()` of the driver that it is given: this one gives it yours. */
const onPool = (pool: pg.Pool) =>
  new DataSource({
    type: 'postgres',
    driver: {
      ...pg,
      Pool: class {
        constructor() {
          return pool;
        }
      },
    },
    entities: [Notes],
  });

export async function connect(config: PoolConfig) {
  const pool = new Pool(config);
  const db = onPool(pool); // everything; on a replica while there is no primary
  const reads = onPool(pool.read); // only reads, from a replica
  await Promise.all([db.initialize(), reads.initialize()]); // DownError, when no member answers
  return { pool, db, reads, close: () => db.destroy() }; // ends the pool, and `pool.read` with it
}

/** TypeORM puts what the driver throws into a QueryFailedError, as its `driverError`. */
export function driverError(error: unknown): unknown {
  if (error instanceof QueryFailedError) return error.driverError;
  // It lets go of a connection that ends between two statements, and sends the next one nowhere.
  const isLetGo =
    error instanceof QueryRunnerAlreadyReleasedError ||
    error instanceof QueryRunnerProviderAlreadyReleasedError;
  if (isLetGo) return new ConnectionLostError(error.message, error);
  return error;
}
