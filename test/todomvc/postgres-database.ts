import { systemClock, systemRandom } from '../../common/runtime/clock.js';
import { createLog } from '../../common/runtime/log.js';
import { Client, Pool } from '../../sidecar/index.js';
import { followChanges } from '../../todomvc/postgres/changes.js';
import { PostgresDatabase } from '../../todomvc/postgres/database.js';
import { keepMigrating } from '../../todomvc/postgres/migrate.js';
import { eventuallyMs } from '../support/patience.js';
import { waitFor } from '../support/wait.js';

export interface OpenDatabase {
  readonly database: PostgresDatabase;
  readonly pool: Pool;
  close(): Promise<void>;
}

/** The real implementation of the port, migrated and listening, as main.ts makes it. */
export async function openPostgresDatabase(
  config: NonNullable<ConstructorParameters<typeof Pool>[0]>,
): Promise<OpenDatabase> {
  const pool = new Pool(config);
  const database = new PostgresDatabase(pool, systemClock);
  const background = new AbortController();
  const shared = {
    database,
    clock: systemClock,
    random: systemRandom,
    log: createLog('test', 'silent'),
    signal: background.signal,
  };
  const migrating = keepMigrating({
    ...shared,
    connect: async () => {
      const client = new Client(config);
      await client.connect();
      return client;
    },
  });
  let listening = false;
  const following = followChanges({
    ...shared,
    connect: () => pool.connectTo('primary'),
    onChange: () => {
      listening = true;
      database.tellChange();
    },
  });
  await migrating.done;
  await waitFor('the app to listen for changes', eventuallyMs, () => listening);
  return {
    database,
    pool,
    async close() {
      background.abort();
      await Promise.all([migrating.done, following]);
      await database.close();
    },
  };
}
