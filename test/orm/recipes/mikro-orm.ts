import { EntitySchema, MikroORM, PostgreSqlKnexDialect } from '@mikro-orm/postgresql';
import type pg from 'pg';
import { Pool, type PoolConfig } from '../../../sidecar/index.js';

export interface NoteRow {
  id: number;
  text: string;
  big: bigint | null;
  tags: unknown;
  at: Date;
}

export const Notes = new EntitySchema<NoteRow>({
  name: 'Note',
  tableName: 'notes',
  properties: {
    id: { type: 'number', primary: true },
    text: { type: 'text' },
    big: { type: 'bigint', nullable: true },
    tags: { type: 'json', nullable: true },
    at: { type: 'datetime', columnType: 'timestamptz', defaultRaw: 'now()' },
  },
});

/** MikroORM on Knex' dialect with connections of the given pool. */
function onPool(poolOf: () => pg.Pool, forItself: () => Promise<pg.PoolClient>): MikroORM {
  let connections = 0;
  class OnPool extends PostgreSqlKnexDialect {
    async acquireConnection() {
      const connection: pg.PoolClient & { __knexUid?: string } = await poolOf().connect();
      connection.__knexUid ??= `hotspare${++connections}`;
      return connection;
    }
    releaseConnection(connection: pg.PoolClient) {
      connection.release();
      return Promise.resolve();
    }
    /** What Knex connects for itself, to cancel a query that ran out of its `timeout`. */
    acquireRawConnection() {
      return forItself();
    }
    async destroyRawConnection(connection: pg.PoolClient) {
      connection.release();
    }
  }
  // MikroORM wants the name of a database, and does not connect with it.
  const db = MikroORM.initSync({ dbName: 'unused', entities: [Notes], driverOptions: { client: OnPool } });
  const connection = db.em.getConnection();
  const begin = connection.begin.bind(connection);
  // After a BEGIN that failed, MikroORM goes on, and its first statement hides why.
  connection.begin = async (options) => {
    const transaction = await begin(options);
    if (transaction.isCompleted()) await transaction.executionPromise;
    return transaction;
  };
  return db;
}

export function connect(config: PoolConfig) {
  const db = onPool(
    () => pool,
    () => pool.connectTo('primary'),
  ); // everything; on a replica while there is no primary
  const reads = onPool(
    () => pool.read,
    () => pool.connectTo('replica'),
  ); // only reads, from a replica
  // MikroORM reads dates and intervals itself.
  const { types } = db.em.getConnection().getConnectionOptions() as Pick<PoolConfig, 'types'>;
  const pool: Pool = new Pool({ ...config, types });
  const close = async () => {
    await Promise.all([db.close(), reads.close()]);
    await pool.end(); // the pool is yours: MikroORM leaves it alone
  };
  return { pool, db, reads, close };
}
