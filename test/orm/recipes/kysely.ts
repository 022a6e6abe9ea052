import { Kysely, PostgresDialect, type ColumnType, type Generated } from 'kysely';
import { Pool, type PoolConfig } from '../../../sidecar/index.js';

export interface Database {
  notes: {
    id: Generated<number>;
    text: string;
    big: ColumnType<string | null, bigint | string | null | undefined>;
    tags: ColumnType<unknown, unknown>;
    at: ColumnType<Date, Date | undefined>;
  };
}

export function connect(config: PoolConfig) {
  const pool = new Pool(config);
  return {
    pool,
    db: new Kysely<Database>({ dialect: new PostgresDialect({ pool }) }), // everything; on a replica while there is no primary
    reads: new Kysely<Database>({ dialect: new PostgresDialect({ pool: pool.read }) }), // only reads, from a replica
    close: () => pool.end(), // ends both; `destroy()` of each is not needed
  };
}
