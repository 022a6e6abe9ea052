import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { DownError, type PoolConfig } from '../../../sidecar/index.js';
import { briefMs, eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';
import { bench, flavours } from './setup.js';

const at = bench();

describe.each(flavours)('$name: Client', (flavour) => {
  const make = (options?: PoolConfig) => at.client(flavour, options);
  const nowhere: PoolConfig = flavour.discovery
    ? { hotspare: { hosts: ['127.0.0.1:1'] }, connectionTimeoutMillis: briefMs }
    : { host: '127.0.0.1', port: 1 };

  test('connect and end: promises', async () => {
    const client = make();
    expect(client).toBeInstanceOf(pg.Client);
    const heard: string[] = [];
    for (const event of ['connect', 'drain', 'error', 'end'])
      client.on(event as 'end', () => heard.push(event));
    expect(await client.connect()).toBe(client);
    await client.query('SELECT 1');
    expect(await client.end()).toBeUndefined();
    await waitFor('its end', eventuallyMs, () => heard.includes('end'));
    expect(heard).toEqual(['connect', 'drain', 'end']);
  });

  test('connect and end: callbacks', async () => {
    const client = make();
    const heard: unknown[] = [];
    client.on('connect', () => heard.push('connect'));
    await new Promise<void>((resolve, reject) => {
      const returned: unknown = client.connect((error: Error | null, connected?: unknown) => {
        heard.push(connected === client);
        if (error) reject(error);
        else setImmediate(resolve);
      });
      expect(returned).toBeUndefined();
    });
    expect(heard).toEqual([true, 'connect']);
    await new Promise<void>((resolve) => expect(client.end(() => resolve())).toBeUndefined());
  });

  test('queries before connect, and without waiting for it, run in order', async () => {
    const client = make();
    const first = client.query("SELECT set_config('my.mark', 'set', false)");
    const second = client.query("SELECT current_setting('my.mark') AS mark");
    void client.connect();
    expect((await first).rowCount).toBe(1);
    expect((await second).rows).toEqual([{ mark: 'set' }]);
  });

  test('a second connect is refused and changes nothing', async () => {
    const client = make();
    await client.connect();
    const text = 'Client has already been connected. You cannot reuse a client.';
    await expect(client.connect()).rejects.toThrow(text);
    expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    await client.end();
    await expect(client.connect()).rejects.toThrow(text);
  });

  test('end: without connect; twice; and then queries are refused', async () => {
    await make().end();
    const client = make();
    await client.connect();
    await client.end();
    await client.end();
    const error = await client.query('SELECT 1').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ message: 'Client was closed and is not queryable' });
  });

  test('end while a query runs fails it', async () => {
    const client = make();
    await client.connect();
    const slow = client.query('SELECT pg_sleep(30)').catch((error: unknown) => error);
    await client.end();
    expect(await slow).toMatchObject({ message: 'Connection terminated' });
  });

  test('a refused connection: connect rejects, end resolves', async () => {
    const client = make(nowhere);
    let ended = 0;
    client.on('end', () => (ended += 1));
    const error = await client.connect().catch((thrown: unknown) => thrown);
    // On purpose: who knows several members asks them all, and says in one error what came of it.
    if (flavour.discovery) expect(error).toBeInstanceOf(DownError);
    else expect(error).toMatchObject({ code: 'ECONNREFUSED' });
    await waitFor("'end'", eventuallyMs, () => ended === 1);
    await client.end();
    expect(ended).toBe(1);
    const late = make(nowhere);
    await new Promise((resolve) => late.connect(resolve));
    await new Promise<void>((resolve) => late.end(() => resolve()));
  });

  test('a refused connection fails what was sent before it', async () => {
    const client = make(nowhere);
    const query = client.query('SELECT 1').catch((thrown: unknown) => thrown);
    await client.connect().catch(() => {});
    expect(await query).toBeInstanceOf(Error);
  });

  test('a wrong password: the words of the server', async () => {
    const client = make({ password: 'wrong' });
    await expect(client.connect()).rejects.toMatchObject({ code: '28P01', severity: 'FATAL' });
    await client.end();
  });

  test('who it is connected to, and as whom', async () => {
    const client = make();
    await client.connect();
    const { rows } = await client.query('SELECT pg_backend_pid() AS pid, inet_server_port() AS port');
    expect(client).toMatchObject({
      ...{ host: '127.0.0.1', port: rows[0].port, user: 'app', database: 'app', ssl: false },
      ...{ processID: rows[0].pid, password: 'app' },
    });
    expect(client).toMatchObject({ connectionParameters: { user: 'app', database: 'app' } });
    expect(typeof (client as unknown as { secretKey: unknown }).secretKey).toBe('number');
    expect(Object.keys(client)).not.toContain('password');
    expect(rows[0].port).toBe(at.pair.primary.port);
  });

  test('getTransactionStatus', async () => {
    const client = make() as pg.Client & { getTransactionStatus(): string | null };
    expect(client.getTransactionStatus()).toBeNull();
    await client.connect();
    const seen = [client.getTransactionStatus()];
    for (const text of ['BEGIN', 'SELECT nothing', 'ROLLBACK']) {
      await client.query(text).catch(() => {});
      await client.query('SELECT 1').catch(() => {});
      seen.push(client.getTransactionStatus());
    }
    expect(seen).toEqual(['I', 'T', 'E', 'I']);
  });

  test('escaping', () => {
    const client = make();
    expect(client.escapeIdentifier('a"b')).toBe('"a""b"');
    expect(client.escapeLiteral("it's \\")).toBe(" E'it''s \\\\'");
  });

  test('type parsers of this client', async () => {
    const client = make();
    client.setTypeParser(20, (value: string) => BigInt(value));
    expect(client.getTypeParser(20)('7')).toBe(7n);
    await client.connect();
    expect((await client.query('SELECT 7::int8 AS n')).rows).toEqual([{ n: 7n }]);
    expect(pg.types.getTypeParser(20)('7')).toBe('7');
  });

  test('notices', async () => {
    const client = make();
    const notices: unknown[] = [];
    client.on('notice', (notice) => notices.push(notice.message, notice.severity));
    await client.connect();
    await client.query("DO $$ BEGIN RAISE NOTICE 'look'; END $$");
    expect(notices).toEqual(['look', 'NOTICE']);
  });

  test('LISTEN and NOTIFY', async () => {
    const client = make();
    await client.connect();
    await client.query('LISTEN news');
    const heard = new Promise<pg.Notification>((resolve) => client.once('notification', resolve));
    await at.pair.primary.query("SELECT pg_notify('news', 'hello')");
    expect(await heard).toMatchObject({ channel: 'news', payload: 'hello' });
    await client.query('UNLISTEN news');
  });

  test('cancel, by another client', async () => {
    const client = make();
    await client.connect();
    const query = new pg.Query('SELECT pg_sleep(30)') as pg.Query & { callback?: unknown };
    const failed = new Promise<unknown>((resolve) => {
      query.callback = resolve;
    });
    client.query(query);
    await waitFor('it to run', eventuallyMs, async () => {
      const { processID } = client as unknown as { processID: number };
      const rows = await at.pair.primary.query(
        "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND pid = $1",
        [processID],
      );
      return rows.length === 1;
    });
    // Not to be ended: pg would wait for the end of a connection that the server has closed.
    const other = new flavour.Client(at.where(flavour)) as pg.Client & {
      cancel(client: unknown, query: unknown): void;
    };
    other.cancel(client, query);
    expect(await failed).toMatchObject({ code: '57014' });
    expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
  });

  test("the server's end of a session: error and end, in this order, once each", async () => {
    const client = make();
    const heard: string[] = [];
    client.on('error', (error: Error & { code?: string }) => heard.push(`error ${error.code}`));
    client.on('end', () => heard.push('end'));
    await client.connect();
    const { processID } = client as unknown as { processID: number };
    await at.pair.primary.query('SELECT pg_terminate_backend($1)', [processID]);
    await waitFor('its end', eventuallyMs, () => heard.includes('end'));
    // pg says it twice when the socket follows the words: how often is not promised.
    expect(new Set(heard)).toEqual(
      new Set(['error 57P01', ...heard.filter((text) => text === 'error undefined'), 'end']),
    );
    expect([heard[0], heard.at(-1)]).toEqual(['error 57P01', 'end']);
    await client.end();
  });

  test('ref and unref', async () => {
    const client = make() as pg.Client & { ref(): void; unref(): void };
    await client.connect();
    client.unref();
    client.ref();
    expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
  });

  test('Client.Query is pg.Query; the module beside it is the same', () => {
    expect((flavour.Client as unknown as { Query: unknown }).Query).toBe(pg.Query);
    expect(make().constructor).toBe(flavour.Client);
  });
});
