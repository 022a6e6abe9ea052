import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { sleep } from '../common/clock.js';
import { messageOf, UserError } from '../common/errors.js';
import { systemClock, systemRandom } from '../common/runtime/clock.js';
import { createLog } from '../common/runtime/log.js';
import { stopSignal } from '../common/runtime/run.js';
import { Client, Pool } from '../sidecar/index.js';
import { startApp } from './app.js';
import { readConfig } from './config.js';
import { followChanges } from './postgres/changes.js';
import { PostgresDatabase } from './postgres/database.js';
import { keepMigrating } from './postgres/migrate.js';

/** The first requests had better find tables; but without a primary the app starts after this long, in ms. */
const firstMigrationMs = 3_000;

/** Saying goodbye to a server that hangs ends after this long, in ms. */
const closeMs = 2_000;

async function main(): Promise<void> {
  const config = readConfig(process.env, hostname());
  const clock = systemClock;
  const random = systemRandom;
  const log = createLog('todomvc', config.logLevel);
  const stop = stopSignal();
  const background = new AbortController();
  const { signal } = background;

  const pool = new Pool({ connectionString: config.databaseUrl, application_name: 'todomvc', max: 10 });
  const database = new PostgresDatabase(pool, clock);
  database.onMode(({ mode, since, reason }) => log.info({ mode, since, reason }, 'database mode'));

  const shared = { database, clock, random, log, signal };
  const migrating = keepMigrating({ ...shared, connect: () => connectOwner(config.migrationDatabaseUrl) });
  await Promise.race([migrating.first, sleep(clock, firstMigrationMs, { ref: false })]);
  const app = await startApp({ ...config, database, newId: randomUUID, clock, log });
  const following = followChanges({
    ...shared,
    connect: () => pool.connectTo('primary'),
    onChange: () => database.tellChange(),
  });
  log.info({ box: config.box, host: config.host, port: app.port }, 'listening');

  if (!stop.aborted)
    await new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve(), { once: true }));
  log.info({ reason: messageOf(stop.reason) }, 'draining');
  await app.drain();
  background.abort(stop.reason);
  const closed = Promise.all([following, migrating.done, database.close()]);
  await Promise.race([closed, sleep(clock, closeMs, { ref: false })]);
  log.info('ended');
}

/** The owner of the schema, on a proven primary. */
async function connectOwner(connectionString: string): Promise<Client> {
  const client = new Client({ connectionString, application_name: 'todomvc-migrate' });
  await client.connect();
  return client;
}

try {
  await main();
  process.exit(0);
} catch (error) {
  const known = error instanceof UserError;
  process.stderr.write(`todomvc: ${known ? error.message : ((error as Error).stack ?? String(error))}\n`);
  process.exit(known ? error.exitCode : 1);
}
