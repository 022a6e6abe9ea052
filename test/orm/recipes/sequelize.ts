import { BaseError, DataTypes, Sequelize, type Model, type ModelStatic, type Options } from 'sequelize';
import type pg from 'pg';
import { Pool, type PoolConfig } from '../../../sidecar/index.js';

/** What Sequelize keeps connections with; its own types say less. */
interface ConnectionManager {
  getConnection(): Promise<pg.PoolClient>;
  releaseConnection(client: pg.PoolClient): void;
  destroyConnection(client: pg.PoolClient): Promise<void>;
  close(): Promise<void>;
  getTypeParser(oid: number, format?: string): (text: string) => unknown;
  /** Asks the database what numbers its types have, so that Sequelize can read them. */
  _refreshDynamicOIDs(client: pg.PoolClient): Promise<void>;
}
const managerOf = (db: Sequelize) =>
  (db as unknown as { connectionManager: ConnectionManager }).connectionManager;

/** Sequelize with the connections of a pool; it makes none itself. */
function onPool(poolOf: () => pg.Pool): Sequelize {
  // With a version given it does not connect to ask for it.
  const options: Options & { databaseVersion: string } = { dialect: 'postgres', databaseVersion: '15.0.0' };
  const db = new Sequelize({ ...options, logging: false });
  const manager = managerOf(db);
  let typesKnown = false;
  manager.getConnection = async () => {
    const client = await poolOf().connect();
    try {
      if (!typesKnown) await manager._refreshDynamicOIDs(client);
      typesKnown = true;
      return client;
    } catch (error) {
      client.release();
      throw error;
    }
  };
  manager.releaseConnection = (client) => client.release();
  manager.destroyConnection = async (client) => client.release(true);
  manager.close = async () => {}; // the pool is yours
  return db;
}

export interface NoteRow {
  id: number;
  text: string;
  big: string | null;
  tags: unknown;
  at: Date;
}

export function defineNotes(db: Sequelize): ModelStatic<Model<NoteRow, Partial<NoteRow>>> {
  return db.define(
    'Note',
    {
      id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true },
      text: { type: DataTypes.TEXT, allowNull: false },
      big: DataTypes.BIGINT,
      tags: DataTypes.JSONB,
      at: { type: DataTypes.DATE, allowNull: false, defaultValue: DataTypes.NOW },
    },
    { tableName: 'notes', timestamps: false },
  );
}

export function connect(config: PoolConfig) {
  const db = onPool(() => pool); // everything; on a replica while there is no primary
  const reads = onPool(() => pool.read); // only reads, from a replica
  const manager = managerOf(db);
  const types = { getTypeParser: (oid: number, format?: string) => manager.getTypeParser(oid, format) };
  const pool: Pool = new Pool({ ...config, types: types as PoolConfig['types'] });
  return { pool, db, reads, close: () => pool.end() };
}

/** Sequelize puts what the driver throws into an error of its own, as its `parent`. */
export function driverError(error: unknown): unknown {
  return error instanceof BaseError ? ((error as { parent?: unknown }).parent ?? error) : error;
}
