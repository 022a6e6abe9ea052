import { afterAll, beforeAll, expect, test } from 'vitest';
import { Client, Pool } from '../../sidecar/index.js';
import { StallingProxy } from '../fakes/stalling-proxy.js';
import { patient } from '../support/patience.js';
import { startPostgres, type RealPostgres } from '../support/postgres.js';
import { speakTls } from '../support/programs/tls.js';

/** A certificate names the service, as the URL does; the sessions go to an address. */
let server: RealPostgres;
let ca: string;

beforeAll(async () => {
  server = await startPostgres();
  ca = await speakTls(server, ['DNS:pg.service.consul']);
});
afterAll(() => server?.destroy());

const config = (host: string, ssl: object) => ({
  user: 'app',
  password: 'app',
  database: 'app',
  host,
  ssl,
  hotspare: { hosts: [{ host: server.host, port: server.port }], ...patient },
});
const encrypted = 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()';

test('the certificate is checked against the name in the URL', async () => {
  const pool = new Pool(config('pg.service.consul', { ca }));
  expect((await pool.query(encrypted)).rows).toEqual([{ ssl: true }]);
  expect((await pool.read.query(encrypted)).rows).toEqual([{ ssl: true }]);
  await pool.end();
  const client = new Client(config('pg.service.consul', { ca }));
  await client.connect();
  expect((await client.query(encrypted)).rows).toEqual([{ ssl: true }]);
  await client.end();
});

test('a log-in whose round trips take longer together than a heartbeat may', async () => {
  const proxy = await StallingProxy.before(server);
  proxy.fault = { kind: 'far', delayMs: 200 };
  const pool = new Pool({
    ...config('pg.service.consul', { ca }),
    connectionTimeoutMillis: 20_000,
    hotspare: { hosts: [proxy.target] },
  });
  expect((await pool.query(encrypted)).rows).toEqual([{ ssl: true }]);
  expect(pool.mode).toBe('read-write');
  await pool.end();
  await proxy.close();
});

test('a certificate for another name, or of a stranger, is refused at once and says so', async () => {
  const other = new Pool(config('other.service.consul', { ca }));
  await expect(other.query('SELECT 1')).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  await other.end();
  const stranger = new Pool(config('pg.service.consul', {}));
  await expect(stranger.query('SELECT 1')).rejects.toThrow(/self-signed/);
  await stranger.end();
});
