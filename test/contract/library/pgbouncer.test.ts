import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { DownError, Pool, type PoolConfig } from '../../../sidecar/index.js';
import { eventuallyMs } from '../../support/patience.js';
import { PgBouncer, pgBouncerMissing } from '../../support/programs/pgbouncer.js';
import { startPostgresPair, type PostgresPair } from '../../support/postgres.js';
import { waitFor } from '../../support/wait.js';

/** A real PgBouncer in session mode before each member, with and without the option that lets start-up options pass. */
const missing = pgBouncerMissing();
if (missing) console.warn(`skipped: ${missing}`);

describe.skipIf(missing)('PgBouncer in session mode', () => {
  let pair: PostgresPair;
  const strict: PgBouncer[] = [];
  const ignoring: PgBouncer[] = [];
  const pools: Pool[] = [];
  beforeAll(async () => {
    pair = await startPostgresPair();
    await pair.primary.administer(['CREATE TABLE notes (text text)', 'GRANT ALL ON notes TO app'], 'app');
    await pair.caughtUp();
    for (const server of [pair.primary, pair.standby]) {
      strict.push(await PgBouncer.before(server));
      ignoring.push(await PgBouncer.before(server, { ignore_startup_parameters: 'options' }));
    }
  });
  afterEach(async () => {
    await Promise.all(pools.splice(0).map((pool) => pool.end()));
  });
  afterAll(async () => {
    await Promise.all([...strict, ...ignoring].map((bouncer) => bouncer.destroy()));
    await pair?.destroy();
  });

  const login = { user: 'app', password: 'app', database: 'app' };
  function makePool(members: readonly PgBouncer[], options: PoolConfig = {}): Pool {
    // With the default time for a heartbeat: a PgBouncer whose server has gone answers log-ins, and then falls silent.
    const pool = new Pool({ ...login, hotspare: { hosts: members.map(({ target }) => target) }, ...options });
    pools.push(pool);
    return pool;
  }
  const failure = (promise: Promise<unknown>) => promise.catch((error: unknown) => error as Error);
  const notes = async () => (await pair.primary.query('SELECT text FROM notes')).flat();
  const insert = "INSERT INTO notes VALUES ('by a read')";

  test('as installed: the pool works; pool.read says which setting it lacks', async () => {
    const pool = makePool(strict);
    await pool.query("INSERT INTO notes VALUES ('by the pool')");
    expect(await notes()).toEqual(['by the pool']);
    await waitFor('the replica', eventuallyMs, () => pool.topology.replicas.length === 1);
    const error = await failure(pool.read.query('SELECT 1'));
    expect(error).toBeInstanceOf(DownError);
    expect(error).toMatchObject({
      message: expect.stringContaining('default_transaction_read_only=on') as string,
      cause: { code: '08P01' },
    });
    // It says nothing of the members.
    expect(pool.mode).toBe('read-write');
    expect(pool.topology.replicas).toHaveLength(1);
  });

  test('ignoring options: a replica serves reads, and a primary never does', async () => {
    const pool = makePool(ignoring);
    await pool.query('SELECT 1');
    await waitFor('the replica', eventuallyMs, () => pool.topology.replicas.length === 1);
    const where = 'SELECT inet_server_port() AS port, pg_backend_pid() AS pid';
    const { rows } = await pool.read.query(where);
    expect(rows[0]).toMatchObject({ port: pair.standby.port });
    // The session is kept.
    expect((await pool.read.query(where)).rows).toEqual(rows);
    const named = expect.objectContaining({
      name: 'DownError',
      message: expect.stringContaining('default_transaction_read_only') as string,
    }) as unknown;
    expect(await failure(pool.readAfter(null).query(insert))).toEqual(named);
    await pair.standby.stop();
    await waitFor('the loss of the replica', eventuallyMs, () => pool.topology.replicas.length === 0);
    expect(await failure(pool.read.query(insert))).toEqual(named);
    expect(await failure(pool.read.connect())).toEqual(named);
    const plain = new Pool({ ...login, ...ignoring[0]!.target });
    pools.push(plain);
    expect(await failure(plain.read.query(insert))).toEqual(named);
    expect(await notes()).not.toContain('by a read');
    await pair.standby.start();
  });

  test('the primary stops and comes back', async () => {
    const pool = makePool(ignoring);
    await pool.query('SELECT 1');
    await waitFor('the replica', eventuallyMs, () => pool.topology.replicas.length === 1);
    await pair.primary.stop();
    await pool.waitForMode('read-only', eventuallyMs);
    expect((await pool.query('SELECT inet_server_port() AS port')).rows).toEqual([
      { port: pair.standby.port },
    ]);
    await pair.primary.start();
    await pool.waitForMode('read-write', eventuallyMs);
    await pool.query("INSERT INTO notes VALUES ('back')");
    expect(await notes()).toContain('back');
  });

  test('a promotion: the role is asked, for what PgBouncer says of it is of old', async () => {
    const pool = makePool(ignoring);
    await pool.query('SELECT 1');
    await waitFor('the replica', eventuallyMs, () => pool.topology.replicas.length === 1);
    await pool.read.query('SELECT 1');
    pair.primary.kill();
    await pool.waitForMode('read-only', eventuallyMs);
    await pair.standby.promote();
    await pool.waitForMode('read-write', eventuallyMs);
    await pool.query("INSERT INTO notes VALUES ('after the promotion')");
    // The start-up of a new session is answered from memory.
    expect(await inHotStandbySaysStartUp(ignoring[1]!)).toBe('on');
    const client = await pool.connectTo('primary');
    await client.query("INSERT INTO notes VALUES ('on a new session')");
    client.release();
    expect(pool.topology).toMatchObject({ primary: { port: ignoring[1]!.port } });
    expect(await failure(pool.read.query(insert))).toMatchObject({
      message: expect.stringContaining('default_transaction_read_only') as string,
    });
    const rows = await pair.standby.query('SELECT text FROM notes');
    expect(rows.flat().slice(-2)).toEqual(['after the promotion', 'on a new session']);
  });

  async function inHotStandbySaysStartUp({ target }: PgBouncer): Promise<string | undefined> {
    const client = new pg.Client({ ...login, ...target });
    let told: string | undefined;
    client.connection.on('parameterStatus', (message: { parameterName: string; parameterValue: string }) => {
      if (message.parameterName === 'in_hot_standby') told = message.parameterValue;
    });
    await client.connect();
    await client.end();
    return told;
  }
});
