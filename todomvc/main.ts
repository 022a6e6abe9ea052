import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { sleep } from '../common/clock.js';
import { messageOf, UserError } from '../common/errors.js';
import { systemClock, systemRandom } from '../common/runtime/clock.js';
import { runGroup, stopped } from '../common/runtime/group.js';
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
  // What serves requests goes on until those in flight are answered, whatever stops the group.
  const served = new AbortController();
  const pool = new Pool({
    connectionString: config.databaseUrl,
    application_name: 'todomvc',
    max: 10,
    writeWaitMs: config.writeWaitMs,
  });
  const database = new PostgresDatabase(pool, clock);
  database.onMode(({ mode, since, reason }) => log.info({ mode, since, reason }, 'database mode'));

  const shared = { database, clock, random, log, signal: served.signal };
  const migrating = keepMigrating({ ...shared, connect: () => connectOwner(config.migrationDatabaseUrl) });

  async function serve(signal: AbortSignal): Promise<void> {
    try {
      await Promise.race([migrating.first, sleep(clock, firstMigrationMs, { ref: false })]);
      const app = await startApp({ ...config, database, newId: randomUUID, clock, log });
      log.info({ box: config.box, host: config.host, port: app.port }, 'listening');
      await stopped(signal);
      log.info({ reason: messageOf(signal.reason) }, 'draining');
      await app.drain();
    } finally {
      served.abort(signal.reason);
    }
  }

  async function migrate(): Promise<void> {
    await migrating.done;
    await stopped(served.signal);
  }

  const follow = () =>
    followChanges({
      ...shared,
      connect: () => pool.connectTo('primary'),
      onChange: () => database.tellChange(),
    });

  async function close(): Promise<void> {
    await stopped(served.signal);
    await database.close();
  }

  /** A server that hangs is waited for only so long. */
  async function briefly(work: Promise<void>): Promise<void> {
    const late = stopped(served.signal).then(() => sleep(clock, closeMs, { ref: false }));
    await Promise.race([work, late]);
  }

  await runGroup([serve, () => briefly(migrate()), () => briefly(follow()), () => briefly(close())], stop);
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
