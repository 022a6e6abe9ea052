import { runner } from 'node-pg-migrate';
import { Client, type ClientConfig } from '../../../sidecar/index.js';

/** Applies what is new in the folder `migrations`; names of what it applied. */
export async function migrate(config: ClientConfig, dir = 'migrations'): Promise<string[]> {
  const client = new Client(config);
  await client.connect(); // ReadOnlyError or DownError, when there is no primary
  try {
    const applied = await runner({
      dbClient: client,
      dir,
      direction: 'up',
      migrationsTable: 'migrations',
      advisoryLockMode: 'wait', // when several instances start at once
    });
    return applied.map(({ name }) => name);
  } finally {
    await client.end();
  }
}
