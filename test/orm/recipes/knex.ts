import knex from 'knex';
import { Pool, type PoolConfig } from '../../../sidecar/index.js';

export function connect(config: PoolConfig) {
  const pool = new Pool(config);
  const db = knex({ client: 'pg', connectionPool: pool }); // everything; on a replica while there is no primary
  const reads = knex({ client: 'pg', connectionPool: pool.read }); // only reads, from a replica
  const close = async () => {
    await Promise.all([db.destroy(), reads.destroy()]);
    await pool.end(); // the pool is yours: Knex leaves it alone
  };
  return { pool, db, reads, close };
}
