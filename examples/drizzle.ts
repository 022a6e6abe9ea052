// An ORM on both pools, in TypeScript: Drizzle writes through one and reads through the other. Recipes for Drizzle, Knex,
// Kysely, Prisma and node-pg-migrate: docs/RECIPES.md.
//
//   npx tsx examples/drizzle.ts                 60 orders, six seconds (--orders N)
//
// Meanwhile, in another terminal:
//   npx hotspare lab kill pg@pg1                "read-only": orders are refused, the list goes on
//   npx hotspare lab start pg@pg1               and on it goes
//
// It ends by itself, or with Ctrl-C (exit code 0), and removes its table.
import './lab.cjs';
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { DrizzleQueryError, count, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { pgSchema, text, uuid } from 'drizzle-orm/pg-core';
import { HotspareError, Pool } from 'hotspare';

const at = process.argv.indexOf('--orders');
const wanted = at < 0 ? 60 : Number(process.argv[at + 1]);
if (!Number.isInteger(wanted) || wanted < 1) {
  console.error('--orders needs a whole number above 0');
  process.exit(2);
}

const schema = pgSchema('hotspare_example_drizzle');
const orders = schema.table('orders', { id: uuid().primaryKey(), what: text().notNull() });

const pool = new Pool({
  connectionString: process.env.DATABASE_URL!,
  application_name: 'example-drizzle',
  readYourWrites: true, // what `db` has written, `reads` shows
});
const db = drizzle(pool); // everything; on a replica while there is no primary
const reads = drizzle(pool.read); // only reads, from a replica

/** Drizzle puts what the driver throws into an error of its own. */
const driverError = (error: unknown) => (error instanceof DrizzleQueryError ? error.cause : error);

let isStopped = false;
for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => (isStopped = true));
pool.on('mode', (mode, { reason }) => console.log(`-- ${mode}: ${reason}`));

/** Until it is done: an id of one's own makes it harmless to repeat, whatever became of it. */
async function order(what: string): Promise<void> {
  const id = randomUUID();
  while (!isStopped) {
    try {
      await db.insert(orders).values({ id, what }).onConflictDoNothing();
      return;
    } catch (error) {
      const cause = driverError(error);
      if (!(cause instanceof HotspareError)) throw error;
      console.log(`   order "${what}": ${cause.name}; the list still has ${await howMany()}`);
      await pause(500);
    }
  }
}

async function howMany(): Promise<number> {
  const [row] = await reads.select({ n: count() }).from(orders);
  return row?.n ?? 0;
}

await pool.waitForMode('read-write', 10_000);
await db.execute(sql`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
await db.execute(sql`CREATE SCHEMA ${schema}`);
await db.execute(sql`CREATE TABLE ${orders} (id uuid PRIMARY KEY, what text NOT NULL)`);

let placed = 0;
let seenAtOnce = 0;
while (placed < wanted && !isStopped) {
  await order(`order ${placed + 1}`);
  if (isStopped) break;
  placed++;
  if ((await howMany()) === placed) seenAtOnce++;
  if (placed % 10 === 0) console.log(`   ${placed} orders placed, ${seenAtOnce} of them seen at once`);
  await pause(100);
}
console.log(`\n${placed} orders placed, ${await howMany()} there`);
await db.execute(sql`DROP SCHEMA ${schema} CASCADE`).catch(() => {
  console.log('The table stays: node examples/clean.mjs');
});
await pool.end();
