import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { ConnectionLostError, OutcomeUnknownError, Pool, type PoolConfig } from '../../../sidecar/index.js';
import { patient } from '../../support/patience.js';
import { startPostgresPair, type PostgresPair } from '../../support/postgres.js';

/**
 * A statement is of unknown outcome only if bytes of it left the process. Each test ends a connection so that the process
 * could know that none did.
 */

let pair: PostgresPair;
let between: Server;
/** Sockets of the proxy towards the app. */
const towardsApp = new Set<Socket>();
const pools: Pool[] = [];

beforeAll(async () => {
  pair = await startPostgresPair();
  await pair.primary.query('CREATE TABLE notes (text text)');
  await pair.primary.query('GRANT ALL ON notes TO app');
  between = createServer({ allowHalfOpen: true }, (socket) => {
    const server = connect(pair.primary.port, pair.primary.host);
    towardsApp.add(socket);
    for (const [one, other] of [
      [socket, server],
      [server, socket],
    ] as const) {
      one.on('error', () => {});
      one.on('close', () => other.destroy());
      one.pipe(other);
    }
  }).listen(0, '127.0.0.1');
  await once(between, 'listening');
});
afterAll(async () => {
  between?.close();
  await pair?.destroy();
});
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.end()));
  towardsApp.clear();
  await pair.primary.query('TRUNCATE notes');
});

function makePool(options: PoolConfig = {}): Pool {
  const { port } = between.address() as { port: number };
  const pool = new Pool({
    user: 'app',
    password: 'app',
    database: 'app',
    max: 1,
    ...options,
    hotspare: { hosts: [{ host: '127.0.0.1', port }], ...patient },
  });
  pools.push(pool);
  return pool;
}

const insert = "INSERT INTO notes VALUES ('once')";
const outcome = (sent: Promise<unknown>) =>
  sent.then(
    () => 'done',
    (error: unknown) => error,
  );
const written = async () => (await pair.primary.query('SELECT count(*)::int FROM notes'))[0]![0];

/** The stream of a session of the pool. */
const streamOf = (client: pg.PoolClient) =>
  (client as unknown as { connection: { stream: Socket } }).connection.stream;

/** The proxy's end of this session. */
const peerOf = (client: pg.PoolClient): Socket =>
  [...towardsApp].find(({ remotePort }) => remotePort === streamOf(client).localPort)!;

/** Each: after it a statement that is given to the session in the same turn cannot be written. */
const ends: Readonly<Record<string, (client: pg.PoolClient) => Promise<void>>> = {
  'its socket was destroyed': (client) => Promise.resolve(void streamOf(client).destroy()),
  'its socket was destroyed with an error': (client) =>
    Promise.resolve(void streamOf(client).destroy(new Error('given up'))),
  'the server has said goodbye': async (client) => {
    const heard = new Promise<void>((resolve) => streamOf(client).once('end', resolve));
    peerOf(client).end();
    // A promise of its own would go on a turn later, when the socket may have closed.
    await heard;
  },
};

test.each(Object.keys(ends))('%s: the statement was not sent', async (name) => {
  const client = await makePool().connect();
  const sent: Promise<unknown>[] = [];
  await ends[name]!(client);
  sent.push(outcome(client.query(insert)), outcome(client.query('INSERT INTO notes VALUES ($1)', ['too'])));
  const errors = await Promise.all(sent);
  for (const error of errors) {
    expect(error).toBeInstanceOf(ConnectionLostError);
    expect(error).toMatchObject({
      retry: 'safe',
      message: expect.stringMatching(/not sent|before the statement was sent/),
    });
  }
  expect(errors).toHaveLength(2);
  client.release(true);
  expect(await written()).toBe(0);
});

test('the kernel refuses to take the statement: it was not sent', async () => {
  const client = await makePool().connect();
  // The reset is here at once, and this process has not looked yet.
  peerOf(client).resetAndDestroy();
  const error = await outcome(client.query(insert));
  expect(error).toBeInstanceOf(ConnectionLostError);
  client.release(true);
  expect(await written()).toBe(0);
});

test('the pool runs a write that was not sent once more, on another session', async () => {
  const pool = makePool();
  const client = await pool.connect();
  client.release();
  streamOf(client).destroy();
  await pool.query(insert);
  expect(await written()).toBe(1);
});

test('a transaction of which BEGIN was not sent is run again', async () => {
  const pool = makePool();
  const client = await pool.connect();
  client.release();
  streamOf(client).destroy();
  await pool.transaction((own) => own.query(insert), { retry: 1 });
  expect(await written()).toBe(1);
});

test('COMMIT that was not sent has committed nothing, and the transaction is run again', async () => {
  const pool = makePool();
  let runs = 0;
  await pool.transaction(
    async (client) => {
      await client.query(insert);
      if (runs++ === 0) streamOf(client).destroy();
    },
    { retry: 1 },
  );
  expect(runs).toBe(2);
  expect(await written()).toBe(1);
});

test('a statement that was written before its socket was destroyed is of unknown outcome', async () => {
  const client = await makePool().connect();
  const sent = outcome(client.query(insert));
  const waits = outcome(client.query(insert));
  streamOf(client).destroy();
  expect(await sent).toBeInstanceOf(OutcomeUnknownError);
  expect(await waits).toBeInstanceOf(ConnectionLostError);
  client.release(true);
});
