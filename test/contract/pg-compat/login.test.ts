import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { Client, Pool, type PoolConfig } from '../../../sidecar/index.js';
import { startPostgres, type RealPostgres } from '../../support/postgres.js';
import { speakTls } from '../../support/programs/tls.js';
import { eventuallyMs, patient } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';

/** Where to, as whom, and how: everything that pg reads from options, URLs, files and the environment. */
let server: RealPostgres;
const folder = mkdtempSync(join(tmpdir(), 'hotspare-login-'));
const caFile = join(folder, 'ca.pem');
/** The name that the certificate is for; ours finds its address, plain pg cannot. */
const name = 'pg.service.consul';
const ended: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  server = await startPostgres();
  const { uid, gid } = statSync(server.dataDir);
  chownSync(folder, uid, gid);
  chmodSync(folder, 0o755);
  await server.query(`ALTER SYSTEM SET unix_socket_directories = '${folder}'`);
  await server.stop();
  await server.start();
  writeFileSync(caFile, await speakTls(server, [`DNS:${name}`, 'IP:127.0.0.1']));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(ended.splice(0).map((end) => end()));
});
afterAll(async () => {
  await server?.destroy();
  rmSync(folder, { recursive: true, force: true });
});

type Make = (config: PoolConfig) => pg.Pool | pg.Client;
interface Way {
  readonly name: string;
  readonly make: Make;
  /** The host that the configuration names; with discovery it is not where the server is. */
  readonly host: string;
  /** Added to every configuration. */
  readonly and: () => PoolConfig;
}
const found = (): PoolConfig => ({
  hotspare: { hosts: [{ host: server.host, port: server.port }], ...patient },
});
const plain = () => ({});
const reading: Make = (config) => {
  const pool = new Pool(config);
  ended.push(() => pool.end());
  return pool.read;
};
const ways: Way[] = [
  { name: 'pg: Pool', make: (config) => new pg.Pool(config), host: '127.0.0.1', and: plain },
  { name: 'pg: Client', make: (config) => new pg.Client(config), host: '127.0.0.1', and: plain },
  { name: 'hotspare: Pool', make: (config) => new Pool(config), host: name, and: found },
  { name: 'hotspare: pool.read', make: reading, host: name, and: found },
  { name: 'hotspare: Client', make: (config) => new Client(config), host: name, and: found },
  {
    name: 'hotspare, an address in the URL: Pool',
    make: (config) => new Pool(config),
    host: '127.0.0.1',
    and: found,
  },
  {
    name: 'hotspare without discovery: Pool',
    make: (config) => new Pool(config),
    host: '127.0.0.1',
    and: plain,
  },
  {
    name: 'hotspare without discovery: Client',
    make: (config) => new Client(config),
    host: '127.0.0.1',
    and: plain,
  },
];

async function ask(db: pg.Pool | pg.Client, sql: string): Promise<unknown[]> {
  ended.push(() => db.end().catch(() => {}));
  if (db instanceof pg.Client) await db.connect();
  const { rows } = await db.query<unknown[]>({ text: sql, rowMode: 'array' });
  return rows[0]!;
}
const whoSql = 'SELECT current_user::text, current_database()::text';
const sslSql = 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()';

describe.each(ways)('$name', ({ make, host, and }) => {
  const from = (config: PoolConfig) => make({ ...config, ...and() });
  const port = () => server.port;
  const url = (rest = '', login = 'app:app') => `postgres://${login}@${host}:${port()}/app${rest}`;
  const login = () => ({ host, port: port(), user: 'app', password: 'app', database: 'app' });

  test('a connection string, its parameters, and what it wins over', async () => {
    expect(await ask(from({ connectionString: url() }), whoSql)).toEqual(['app', 'app']);
    const settings =
      "SELECT current_setting('application_name'), current_setting('search_path'), current_setting('statement_timeout')";
    const parameters = '?application_name=by-url&options=-c%20search_path%3Delsewhere&statement_timeout=1234';
    expect(await ask(from({ connectionString: url(parameters) }), settings)).toEqual([
      'by-url',
      'elsewhere',
      '1234ms',
    ]);
    const both = from({
      connectionString: url(),
      user: 'nobody',
      database: 'nowhere',
      host: 'nohost.invalid',
    });
    expect(await ask(both, whoSql)).toEqual(['app', 'app']);
  });

  test('characters that need escaping', async () => {
    await server.query(`ALTER ROLE postgres PASSWORD 'p@ss/w:rd %?'`);
    try {
      const connectionString = url('', `postgres:${encodeURIComponent('p@ss/w:rd %?')}`);
      expect(await ask(from({ connectionString }), whoSql)).toEqual(['postgres', 'app']);
    } finally {
      const own = new pg.Client({
        ...login(),
        host: '127.0.0.1',
        user: 'postgres',
        password: 'p@ss/w:rd %?',
      });
      await own.connect();
      await own.query("ALTER ROLE postgres PASSWORD 'postgres'");
      await own.end();
    }
  });

  test('PG* of the environment', async () => {
    for (const [key, value] of Object.entries({
      ...{ PGHOST: host, PGPORT: String(port()), PGUSER: 'app', PGPASSWORD: 'app', PGDATABASE: 'app' },
      ...{ PGAPPNAME: 'by-environment', PGOPTIONS: '-c work_mem=123kB' },
    }))
      vi.stubEnv(key, value);
    const settings = "SELECT current_setting('application_name'), current_setting('work_mem')";
    expect(await ask(from({}), settings)).toEqual(['by-environment', '123kB']);
  });

  test('a password as a function, with or without waiting; and one that is none', async () => {
    for (const password of [() => 'app', () => Promise.resolve('app')]) {
      let asked: unknown;
      const given = (parameters?: unknown) => {
        asked = parameters;
        return password();
      };
      expect(await ask(from({ ...login(), password: given as () => string }), whoSql)).toEqual([
        'app',
        'app',
      ]);
      // Ours keeps the name here: it is what a password is for.
      expect(asked).toMatchObject({ host, user: 'app', database: 'app' });
    }
    const wrong = from({ ...login(), password: (() => 7) as unknown as () => string });
    await expect(ask(wrong, whoSql)).rejects.toThrow('Password must be a string');
    const failing = from({ ...login(), password: () => Promise.reject(new Error('the vault is sealed')) });
    await expect(ask(failing, whoSql)).rejects.toThrow('the vault is sealed');
  });

  test('pgpass, by the name in the configuration', async () => {
    const file = join(folder, `pgpass-${Math.random()}`);
    writeFileSync(file, `other:${port()}:*:*:wrong\n${host}:${port()}:app:app:app\n`, { mode: 0o600 });
    vi.stubEnv('PGPASSFILE', file);
    const { password: _, ...without } = login();
    expect(await ask(from(without), whoSql)).toEqual(['app', 'app']);
  });

  test('SSL by options: off, on, verified', async () => {
    const ca = readFileSync(caFile, 'utf8');
    expect(await ask(from({ ...login(), ssl: false }), sslSql)).toEqual([false]);
    expect(await ask(from({ ...login(), ssl: { rejectUnauthorized: false } }), sslSql)).toEqual([true]);
    expect(await ask(from({ ...login(), ssl: { ca } }), sslSql)).toEqual([true]);
    await expect(ask(from({ ...login(), ssl: true }), sslSql)).rejects.toThrow(/self-signed/);
    const misnamed = from({ ...login(), ssl: { ca, servername: 'somebody.else' } });
    // pg ignores a server name of one's own for an address; for a name it takes the name.
    if (host === name)
      await expect(ask(misnamed, sslSql)).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });

  test('sslmode in the URL, and PGSSLMODE', async () => {
    const silent = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    for (const [mode, encrypted] of [
      ['?sslmode=disable', false],
      ['?sslmode=no-verify', true],
      [`?sslmode=verify-full&sslrootcert=${caFile}`, true],
      [`?sslmode=verify-ca&sslrootcert=${caFile}&uselibpqcompat=true`, true],
      ['?sslmode=require&uselibpqcompat=true', true],
    ] as const)
      expect(await ask(from({ connectionString: url(mode) }), sslSql), mode).toEqual([encrypted]);
    vi.stubEnv('PGSSLMODE', 'no-verify');
    expect(await ask(from({ connectionString: url() }), sslSql)).toEqual([true]);
    silent.mockRestore();
  });

  test('a server that does not speak SSL', async () => {
    await server.query("ALTER SYSTEM SET ssl = 'off'");
    await server.query('SELECT pg_reload_conf()');
    try {
      const db = from({ ...login(), ssl: { rejectUnauthorized: false } });
      await expect(ask(db, sslSql)).rejects.toThrow('The server does not support SSL connections');
    } finally {
      await server.query("ALTER SYSTEM SET ssl = 'on'");
      await server.query('SELECT pg_reload_conf()');
    }
  });

  test('client_encoding', async () => {
    expect(await ask(from({ ...login(), client_encoding: 'UTF8' } as PoolConfig), "SELECT 'ü'")).toEqual([
      'ü',
    ]);
  });

  test('stream: a socket of its own making', async () => {
    let made = 0;
    const stream = () => {
      made += 1;
      return new Socket();
    };
    expect(await ask(from({ ...login(), stream } as PoolConfig), whoSql)).toEqual(['app', 'app']);
    expect(made).toBeGreaterThan(0);
  });

  test('null and nothing as options', async () => {
    for (const [key, value] of Object.entries({
      PGHOST: host,
      PGPORT: String(port()),
      PGUSER: 'app',
      PGPASSWORD: 'app',
    }))
      vi.stubEnv(key, value);
    if (Object.keys(and()).length === 0 && host !== name)
      for (const nothing of [null, undefined])
        expect(await ask(make(nothing as unknown as PoolConfig), whoSql)).toEqual(['app', 'app']);
  });
});

test('a certificate file that is gone when a monitor reconnects costs nothing but that monitor', async () => {
  const file = join(folder, 'soon-gone.pem');
  copyFileSync(caFile, file);
  const silent = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const connectionString = `postgres://app:app@${name}:${server.port}/app?sslmode=verify-full&sslrootcert=${file}`;
  const pool = new Pool({ connectionString, ...found() });
  expect(await ask(pool, sslSql)).toEqual([true]);
  unlinkSync(file);
  await server.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hotspare-monitor'",
  );
  const monitors = async () => {
    const [row] = await server.query(
      "SELECT count(*)::int FROM pg_stat_activity WHERE application_name = 'hotspare-monitor'",
    );
    return row![0];
  };
  await waitFor('it to be gone', eventuallyMs, async () => (await monitors()) === 0);
  for (let i = 0; i < 20; i++) await pool.query('SELECT pg_sleep(0.05)');
  expect([pool.mode, await monitors()]).toEqual(['read-write', 0]);
  copyFileSync(caFile, file);
  await waitFor('it to be back', eventuallyMs, async () => (await monitors()) === 1);
  silent.mockRestore();
});

describe('a folder of Unix sockets', () => {
  const sockets: [string, Make][] = [
    ['pg: Pool', (config) => new pg.Pool(config)],
    ['hotspare: Pool', (config) => new Pool(config)],
    ['hotspare: Client', (config) => new Client(config)],
  ];
  const addressSql = 'SELECT inet_server_addr()::text';
  test.each(sockets)('%s', async (_, make) => {
    const login = { user: 'app', password: 'app', database: 'app', port: server.port };
    expect(await ask(make({ ...login, host: folder }), addressSql)).toEqual([null]);
    const connectionString = `postgres://app:app@${encodeURIComponent(folder)}:${server.port}/app`;
    expect(await ask(make({ connectionString }), addressSql)).toEqual([null]);
  });

  test('as a member', async () => {
    const hosts = [{ host: folder, port: server.port }];
    const pool = new Pool({ user: 'app', password: 'app', database: 'app', hotspare: { hosts, ...patient } });
    expect(await ask(pool, addressSql)).toEqual([null]);
  });
});

describe('pg.defaults', () => {
  test('count for ours too', async () => {
    const { defaults } = pg;
    const before = { ...defaults };
    Object.assign(defaults, {
      user: 'app',
      password: 'app',
      database: 'app',
      host: '127.0.0.1',
      port: server.port,
    });
    try {
      for (const make of [() => new pg.Pool(), () => new Pool(), () => new Pool({ ...found() })])
        expect(await ask(make(), whoSql)).toEqual(['app', 'app']);
    } finally {
      Object.assign(defaults, before);
    }
  });
});
