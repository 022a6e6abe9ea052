import { PrismaPg } from '@prisma/adapter-pg';
import { Pool, type PoolConfig } from '../../../sidecar/index.js';
import { PrismaClient } from './generated/prisma/client.js';

export function connect(config: PoolConfig) {
  const pool = new Pool(config);
  const db = new PrismaClient({ adapter: new PrismaPg(pool) }); // everything; on a replica while there is no primary
  const reads = new PrismaClient({ adapter: new PrismaPg(pool.read) }); // only reads, from a replica
  const close = async () => {
    await Promise.all([db.$disconnect(), reads.$disconnect()]);
    await pool.end(); // the pool is yours: Prisma leaves it alone
  };
  return { pool, db, reads, close };
}

interface DriverAdapterError {
  readonly cause?: { readonly originalCode?: string };
}

/** Prisma keeps what an error of the driver says, not what it is: the SQLSTATE tells them apart. */
export function sqlState(error: unknown): string | undefined {
  const { meta } = error as { meta?: { driverAdapterError?: DriverAdapterError } };
  // COMMIT's own error comes without Prisma's usual wrapping.
  const driverError = meta?.driverAdapterError ?? (error as DriverAdapterError);
  return driverError.cause?.originalCode;
}
