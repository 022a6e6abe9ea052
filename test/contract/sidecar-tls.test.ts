import { execFileSync } from 'node:child_process';
import { chownSync, chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Client, Pool } from '../../sidecar/index.js';
import { eventuallyMs, patient } from '../support/patience.js';
import { startPostgres, type RealPostgres } from '../support/postgres.js';
import { waitFor } from '../support/wait.js';

/** A certificate names the service, as the URL does; the sessions go to an address. */
let server: RealPostgres;
let ca: string;
const folder = mkdtempSync(join(tmpdir(), 'hotspare-tls-'));

beforeAll(async () => {
  server = await startPostgres();
  const [key, cert] = [join(folder, 'key'), join(folder, 'cert')];
  execFileSync(
    'openssl',
    [
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
      ],
      ...['-subj', '/CN=pg.service.consul', '-addext', 'subjectAltName=DNS:pg.service.consul'],
      ...['-keyout', key, '-out', cert],
    ],
    { stdio: 'pipe' },
  );
  ca = readFileSync(cert, 'utf8');
  const { uid, gid } = statSync(server.dataDir);
  for (const [from, to] of [
    [key, 'server.key'],
    [cert, 'server.crt'],
  ] as const) {
    const path = join(server.dataDir, to);
    writeFileSync(path, readFileSync(from));
    chmodSync(path, 0o600);
    chownSync(path, uid, gid);
  }
  await server.query("ALTER SYSTEM SET ssl = 'on'");
  await server.query('SELECT pg_reload_conf()');
  await waitFor('TLS', eventuallyMs, async () => (await server.query('SHOW ssl'))[0]?.[0] === 'on');
});
afterAll(async () => {
  await server?.destroy();
  rmSync(folder, { recursive: true, force: true });
});

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

test('a certificate for another name, or of a stranger, is refused at once and says so', async () => {
  const other = new Pool(config('other.service.consul', { ca }));
  await expect(other.query('SELECT 1')).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  await other.end();
  const stranger = new Pool(config('pg.service.consul', {}));
  await expect(stranger.query('SELECT 1')).rejects.toThrow(/self-signed/);
  await stranger.end();
});
