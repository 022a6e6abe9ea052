import { DrizzleQueryError } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { bigint, jsonb, pgTable, serial, text, timestamp } from 'drizzle-orm/pg-core';
import { Pool, type PoolConfig } from '../../../sidecar/index.js';

export const notes = pgTable('notes', {
  id: serial().primaryKey(),
  text: text().notNull(),
  big: bigint({ mode: 'bigint' }),
  tags: jsonb(),
  at: timestamp({ withTimezone: true }).notNull().defaultNow(),
});

export function connect(config: PoolConfig) {
  const pool = new Pool(config);
  return {
    pool,
    db: drizzle(pool), // everything; on a replica while there is no primary
    reads: drizzle(pool.read), // only reads, from a replica
    close: () => pool.end(),
  };
}

/** Drizzle puts what the driver throws into a DrizzleQueryError, as its cause. */
export function driverError(error: unknown): unknown {
  return error instanceof DrizzleQueryError ? error.cause : error;
}
