import { createRequire } from 'node:module';
import type { Knex, knex as Connect } from 'knex-2';
import type pg from 'pg';
import { Pool, type PoolConfig } from '../../../sidecar/index.js';

const require = createRequire(import.meta.url);
const { knex } = require('knex-2') as { knex: typeof Connect };
const PostgresDialect = require('knex-2/lib/dialects/postgres/index.js') as typeof Knex.Client;

/** Knex's Postgres dialect with connections of the given pool; without `connection` Knex makes no pool of its own. */
function onPool(pool: pg.Pool, forItself: () => Promise<pg.PoolClient>): typeof Knex.Client {
  let connections = 0;
  return class extends PostgresDialect {
    override async acquireConnection() {
      const connection: pg.PoolClient & { __knexUid?: string } = await pool.connect();
      connection.__knexUid ??= `hotspare${++connections}`;
      return connection;
    }
    override releaseConnection(connection: pg.PoolClient) {
      connection.release();
      return Promise.resolve();
    }
    /** What Knex connects for itself, to cancel a query that ran out of its `timeout`. */
    override acquireRawConnection() {
      return forItself();
    }
    override async destroyRawConnection(connection: pg.PoolClient) {
      connection.release();
    }
  };
}

export function connect(config: PoolConfig) {
  const pool = new Pool(config);
  return {
    pool,
    db: knex({ client: onPool(pool, () => pool.connectTo('primary')) }), // everything; on a replica while there is no primary
    reads: knex({ client: onPool(pool.read, () => pool.connectTo('replica')) }), // only reads, from a replica
    close: () => pool.end(),
  };
}
