import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Client,
  ConnectionLostError,
  OutcomeUnknownError,
  ReadOnlyError,
  type ClientConfig,
} from '../../../sidecar/index.js';
import { connect as connectKnex } from '../../orm/recipes/knex-client.js';
import { migrate } from '../../orm/recipes/node-pg-migrate.js';
import type { Client as LoadClient } from './load.js';
import type { Watch } from '../evidence/watch.js';

const asItIs = (error: unknown) => error;

/** In one place node-pg-migrate makes a text of the error it met, with its name and stack. */
function metByMigration(error: unknown): unknown {
  const name = /^Unable to ensure migrations table: (\w+)/.exec((error as Error).message)?.[1];
  if (name === 'OutcomeUnknownError') return new OutcomeUnknownError('', error);
  if (name === 'ConnectionLostError') return new ConnectionLostError('', error);
  if (name === 'ReadOnlyError') return new ReadOnlyError('', error);
  return error;
}

/** Something under load that has no Pool of ours, but connections of its own. */
export interface ConnectionClient {
  readonly turn: LoadClient;
  /** Lets go of what it keeps for the next turn. */
  rest(): Promise<void>;
  close(): Promise<void>;
}

/** Does again what was not executed. */
export type Repeat = <T>(work: () => Promise<T>, thrown: (error: unknown) => unknown) => Promise<T>;
const once: Repeat = (work) => work();

/** node-pg-migrate on a Client: drops what it made, and applies its migration again. */
export function migrator(config: ClientConfig, watch: Watch, repeat = once): ConnectionClient {
  const folder = mkdtempSync(join(tmpdir(), 'hotspare-soak-'));
  writeFileSync(
    join(folder, '1_migrated.sql'),
    'CREATE TABLE migrated (n int); INSERT INTO migrated VALUES (1);',
  );
  return {
    async turn() {
      const drop = async () => {
        const client = new Client(config);
        await client.connect();
        try {
          await client.query('DROP TABLE IF EXISTS migrated, migrations');
        } finally {
          await client.end();
        }
      };
      const dropped = await watch.run('node-pg-migrate, drop', asItIs, () => repeat(drop, asItIs));
      if (dropped.outcome !== 'done') return;
      const migrated = await watch.run('node-pg-migrate', metByMigration, () =>
        repeat(() => migrate(config, folder), metByMigration),
      );
      if (migrated.outcome === 'done' && migrated.value.join() !== '1_migrated')
        watch.wrong(`node-pg-migrate: applied ${JSON.stringify(migrated.value)}`);
    },
    rest: async () => {},
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Knex before 3.3 with a pool of its own and connections of ours. */
export function knexOnClients(config: ClientConfig, watch: Watch, repeat = once): ConnectionClient {
  let db = connectKnex(config);
  return {
    // Its own pool keeps connections as long as it likes.
    async rest() {
      await db.destroy();
      db = connectKnex(config);
    },
    async turn() {
      const read = await watch.run('Knex 2 on Client', asItIs, () =>
        repeat(async () => db.raw<unknown>('SELECT pg_is_in_recovery() AS replica'), asItIs),
      );
      if (read.outcome !== 'done') return;
      const { rows } = read.value as { rows: { replica: boolean }[] };
      if (rows[0]?.replica !== false) watch.wrong('Knex 2 on Client: on a replica');
    },
    close: () => db.destroy(),
  };
}
