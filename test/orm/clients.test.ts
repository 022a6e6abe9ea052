import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  OutcomeUnknownError,
  Pool,
  ReadOnlyError,
  Resolver,
  type ClientConfig,
} from '../../sidecar/index.js';
import { startPostgresPair, type PostgresPair } from '../support/postgres.js';
import { waitFor } from '../support/wait.js';
import { connect } from './recipes/knex-client.js';
import { migrate } from './recipes/node-pg-migrate.js';

/** What takes one connection at a time, to the primary: migrations, and Knex before 3.3 with a pool of its own. */
let pair: PostgresPair;
let resolver: Resolver;
let config: ClientConfig;
const dir = mkdtempSync(join(tmpdir(), 'hotspare-migrations-'));
const forever = 'pg_sleep(3600)';

beforeAll(async () => {
  pair = await startPostgresPair();
  await pair.primary.query('GRANT CREATE ON SCHEMA public TO app');
  resolver = new Resolver({ hosts: [pair.primary, pair.standby].map(({ host, port }) => ({ host, port })) });
  config = { user: 'app', password: 'app', database: 'app', hotspare: resolver };
});
beforeEach(() => {
  // node-pg-migrate and Knex say on the console what they do.
  for (const level of ['log', 'info', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
});
afterAll(async () => {
  resolver?.close();
  await pair?.destroy();
  rmSync(dir, { recursive: true, force: true });
});

const asleep = (n: number) =>
  waitFor(`${n} statements in flight`, 20_000, async () => {
    const rows = await pair.primary.query("SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
    return rows.length === n;
  });

const errorOf = (promise: Promise<unknown>) =>
  promise.then(
    (value) => expect.fail(`resolved with ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );

describe('on the primary', () => {
  test('node-pg-migrate applies what is new, once', async () => {
    writeFileSync(
      join(dir, '1_notes.sql'),
      'CREATE TABLE notes (id serial PRIMARY KEY, text text NOT NULL);',
    );
    expect(await migrate(config, dir)).toEqual(['1_notes']);
    expect(await migrate(config, dir)).toEqual([]);
  });

  test('Knex 2 with our Client: queries and transactions', async () => {
    const db = connect(config);
    const [made] = await db('notes').insert({ text: 'one' }).returning('*');
    expect(await db('notes').where({ id: made.id }).first()).toEqual({ id: made.id, text: 'one' });
    await expect(
      db.transaction(async (tx) => {
        await tx('notes').insert({ text: 'two' });
        throw new Error('changed my mind');
      }),
    ).rejects.toThrow('changed my mind');
    expect(await db('notes').pluck('text')).toEqual(['one']);
    await expect(db.raw('SELEKT')).rejects.toMatchObject({ code: '42601' });
    await db.destroy();
  });
});

describe('the primary is lost', () => {
  test('in the middle of a migration, a statement and a transaction; and comes back', async () => {
    const db = connect(config);
    const watch = new Pool(config);
    try {
      writeFileSync(join(dir, '2_more.sql'), `CREATE TABLE more (n int); SELECT ${forever};`);
      const inFlight = [
        migrate(config, dir),
        db.raw(`SELECT ${forever}`),
        db.transaction(async (tx) => {
          await tx('notes').insert({ text: 'half' });
          await tx.raw(`SELECT ${forever}`);
        }),
      ].map(errorOf);
      await asleep(3);
      pair.primary.kill();
      for (const error of await Promise.all(inFlight)) expect(error).toBeInstanceOf(OutcomeUnknownError);

      await watch.waitForMode('read-only', 20_000);
      expect(await errorOf(migrate(config, dir))).toBeInstanceOf(ReadOnlyError);
      expect(await errorOf(db.raw('SELECT 1'))).toBeInstanceOf(ReadOnlyError);

      await pair.primary.start();
      await watch.waitForMode('read-write', 20_000);
      writeFileSync(join(dir, '2_more.sql'), 'CREATE TABLE more (n int);');
      expect(await migrate(config, dir)).toEqual(['2_more']);
      expect(await db('more').select()).toEqual([]);
      await db('notes').insert({ text: 'back' });
      expect(await db('notes').pluck('text').orderBy('id')).toEqual(['one', 'back']);
    } finally {
      await Promise.all([db.destroy(), watch.end()]);
    }
  });
});
