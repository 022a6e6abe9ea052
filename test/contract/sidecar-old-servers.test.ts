import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Client, Pool, type Target } from '../../sidecar/index.js';
import { eventuallyMs, patient } from '../support/patience.js';
import { startPostgresPair, type PostgresPair, type RealPostgres } from '../support/postgres.js';
import { waitFor } from '../support/wait.js';

/** Postgres before 14 does not report `in_hot_standby`: real servers behind proxies that swallow it, one story in order. */
class Silencer {
  readonly #sockets = new Set<Socket>();
  swallowed = 0;
  private constructor(private readonly server: Server) {}

  static async start(to: RealPostgres): Promise<Silencer> {
    const server = createServer();
    const own = new Silencer(server);
    server.on('connection', (near) => own.#join(near, connect(to.port, to.host)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return own;
  }

  get target(): Target {
    return { host: '127.0.0.1', port: (this.server.address() as AddressInfo).port };
  }

  #join(near: Socket, far: Socket): void {
    let rest = Buffer.alloc(0);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => {});
      one.on('close', () => {
        this.#sockets.delete(one);
        // As the server itself would: nothing listens is told by a reset, an end by an end.
        other.destroy();
      });
    }
    near.pipe(far);
    far.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 5 && rest.length >= 1 + rest.readUInt32BE(1)) {
        const end = 1 + rest.readUInt32BE(1);
        const message = rest.subarray(0, end);
        rest = rest.subarray(end);
        if (message.toString('latin1', 0, 1) === 'S' && message.includes('in_hot_standby'))
          this.swallowed += 1;
        else near.write(message);
      }
    });
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

let pair: PostgresPair;
let proxies: Silencer[];
let pool: Pool;
const config = () => ({
  user: 'app',
  password: 'app',
  database: 'app',
  hotspare: { hosts: proxies.map(({ target }) => target), ...patient },
});
beforeAll(async () => {
  pair = await startPostgresPair();
  proxies = await Promise.all([Silencer.start(pair.primary), Silencer.start(pair.standby)]);
  pool = new Pool(config());
});
afterEach(() => expect(proxies.every(({ swallowed }) => swallowed > 0)).toBe(true));
afterAll(async () => {
  await pool?.end();
  await Promise.all((proxies ?? []).map((proxy) => proxy.stop()));
  await pair?.destroy();
});

const port = async (queryable: Pick<Pool, 'query'>) =>
  (await queryable.query<{ port: number }>('SELECT inet_server_port() AS port')).rows[0]!.port;

test('the pool finds the primary, pool.read the replica, a Client the primary', async () => {
  expect(await port(pool)).toBe(pair.primary.port);
  await waitFor('the replica', eventuallyMs, () => pool.topology.replicas.length === 1);
  expect(await port(pool.read)).toBe(pair.standby.port);
  await expect(pool.read.query('CREATE TABLE x ()')).rejects.toMatchObject({ name: 'ReadOnlyError' });
  const client = new Client(config());
  await client.connect();
  await client.query('CREATE TABLE notes (text text)');
  await client.end();
  await pair.caughtUp();
});

test('without a primary it reads on and refuses writes', async () => {
  pair.primary.kill();
  await pool.waitForMode('read-only', eventuallyMs);
  expect(await port(pool)).toBe(pair.standby.port);
  await expect(pool.query("INSERT INTO notes VALUES ('never')")).rejects.toMatchObject({
    name: 'ReadOnlyError',
    message: expect.stringMatching(/read-only now/),
  });
});

test('a promotion, of which its sessions there hear nothing, is noticed all the same', async () => {
  const held = await pool.connect();
  expect(await port(held)).toBe(pair.standby.port);
  await pair.standby.promote();
  await pool.waitForMode('read-write', eventuallyMs);
  await held.query("INSERT INTO notes VALUES ('by the old session')");
  held.release();
  await pool.query("INSERT INTO notes VALUES ('by any')");
  expect(pool.topology.primary).toEqual(proxies[1]!.target);
});
