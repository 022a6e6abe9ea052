import { execFileSync, spawnSync } from 'node:child_process';
import { Resolver } from 'node:dns/promises';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findBinaries, isExecutable } from '../../../common/runtime/machine/binaries.js';
import { compileTemplate } from '../../../common/text/template.js';
import { filesOf } from '../../../provision/files/files.js';
import { fileOf, realSite, templates } from '../../provision/sites.js';
import { Child } from '../../support/child.js';
import { freePorts } from '../../support/ports.js';
import { startPostgres, type RealPostgres } from '../../support/postgres.js';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';

/** The files of real boxes before the programs that are to read them. */

const boxes = realSite.topology.boxes.map(({ name }) => name);
const folder = mkdtempSync(join(tmpdir(), 'hotspare-files-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function put(path: string, content: string): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

function find(name: string): string | undefined {
  return ['/usr/sbin', '/sbin', '/usr/bin', '/bin'].map((at) => join(at, name)).find(isExecutable);
}

/** What a program said, and whether it was content. */
function run(program: string, ...args: string[]): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return { status, said: `${stdout}${stderr}` };
}

/** Skips, and says so, where the program is not there or may not do what is asked. */
function withProgram(name: string, obstacle: (path: string) => string | undefined = () => undefined) {
  const path = find(name);
  const why = path === undefined ? `${name} is not installed` : obstacle(path);
  if (why !== undefined) console.warn(`SKIPPED: what ${name} says of the rendered files, because ${why}`);
  return { path: path ?? '', skip: why !== undefined };
}

const nft = withProgram('nft', (path) => {
  const { status, said } = run(path, '-c', '-f', put('empty.nft', 'table inet hotspare_probe\n'));
  return status === 0 ? undefined : `it may not check: ${said.trim()}`;
});
describe.skipIf(nft.skip)('nft', () => {
  test.each(boxes)('%s: the firewall', (box) => {
    const file = put(`${box}/nftables.conf`, fileOf(realSite, box, 'nftables.conf').content);
    expect(run(nft.path, '-c', '-f', file)).toEqual({ status: 0, said: '' });
  });

  test('management from several networks, one within the other, or from everywhere', () => {
    for (const managementCidrs of [['10.0.0.0/8', '10.0.2.2/32'], ['0.0.0.0/0'], ['192.168.1.5/24']]) {
      const { content } = fileOf({ ...realSite, managementCidrs }, 'adm1', 'nftables.conf');
      expect(run(nft.path, '-c', '-f', put('wide.nft', content))).toEqual({ status: 0, said: '' });
    }
  });
});

const nginx = withProgram('nginx');
const openssl = withProgram('openssl');
test.skipIf(nginx.skip || openssl.skip)('nginx: a balancer with TLS', async () => {
  const [web, tls] = (await freePorts(2)) as [number, number];
  const [certificate, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  execFileSync(
    openssl.path,
    [
      'req',
      '-x509',
      '-nodes',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-subj',
      '/CN=test',
    ].concat(['-keyout', key, '-out', certificate]),
    { stdio: 'ignore' },
  );
  const upstreams = put('upstreams.conf', fileOf(realSite, 'nginx1', '/upstreams.conf').content);
  const conf = fileOf(realSite, 'nginx1', 'nginx.conf')
    .content.replace('user www-data;\n', '')
    .replace('/run/nginx.pid', join(folder, 'nginx.pid'))
    .replace('listen 80;', `listen 127.0.0.1:${web};`)
    .replace('listen 443 ssl', `listen 127.0.0.1:${tls} ssl`)
    .replace('/etc/nginx/tls/cert.pem', certificate)
    .replace('/etc/nginx/tls/key.pem', key)
    .replace('/var/lib/hotspare/nginx/upstreams.conf', upstreams)
    .replaceAll('/var/lib/nginx', folder);
  const { status, said } = run(nginx.path, '-t', '-p', folder, '-c', put('nginx.conf', conf));
  expect([status, said]).toEqual([0, expect.stringContaining('test is successful')]);
  expect(said).not.toContain('warn');
});

const dnsmasq = withProgram('dnsmasq');
test.skipIf(dnsmasq.skip)('dnsmasq: the box that answers DNS', () => {
  const file = put('dnsmasq.conf', fileOf(realSite, 'adm1', 'dnsmasq.d/hotspare.conf').content);
  expect(run(dnsmasq.path, '--test', '-C', file)).toMatchObject({ status: 0 });
});

test.skipIf(dnsmasq.skip)(
  'dnsmasq: all healthy balancers by one name, followed at a reload; nothing else',
  async () => {
    const [port] = (await freePorts(1)) as [number];
    const list = put('dns-hosts.hbs', fileOf(realSite, 'adm1', 'dns-hosts.hbs').content);
    // As the agent renders it.
    const render = (...addresses: string[]) =>
      put(
        'hosts',
        compileTemplate(readFileSync(list, 'utf8'), {
          service: (name: string) => (name === 'nginx' ? addresses.map((address) => ({ address })) : []),
        })({}),
      );
    const hosts = render('192.168.11.21', '192.168.11.22');
    const conf = fileOf(realSite, 'adm1', 'dnsmasq.d/hotspare.conf')
      .content.replace(/listen-address=.*/, `listen-address=127.0.0.1\nport=${port}`)
      .replace(/addn-hosts=.*/, `addn-hosts=${hosts}`);
    chmodSync(folder, 0o755);
    const child = Child.start(
      dnsmasq.path,
      ['-k', '-C', put('dnsmasq-run.conf', conf), '--pid-file='],
      join(folder, 'dnsmasq.log'),
    );
    try {
      const resolver = new Resolver({ timeout: 500, tries: 1 });
      resolver.setServers([`127.0.0.1:${port}`]);
      const answers = async () => (await resolver.resolve4('todo.hotspare.test')).sort();
      expect(await waitFor('dnsmasq to answer', eventuallyMs, answers)).toEqual([
        '192.168.11.21',
        '192.168.11.22',
      ]);
      render('192.168.11.22');
      child.signal('SIGHUP');
      await waitFor(
        'the lost balancer to be left out',
        eventuallyMs,
        async () => (await answers()).length === 1,
      );
      await expect(resolver.resolve4('example.com')).rejects.toMatchObject({ code: 'EREFUSED' });
    } finally {
      child.signal('SIGTERM');
      await child.ended();
    }
  },
);

const { consul } = findBinaries();
if (consul === undefined)
  console.warn('SKIPPED: what Consul says of the rendered files: it is not installed');
test.skipIf(consul === undefined).each(boxes)('Consul: %s', (box) => {
  const file = put(`${box}/consul.json`, fileOf(realSite, box, 'consul.json').content);
  expect(run(consul!, 'validate', file)).toMatchObject({
    status: 0,
    said: expect.stringContaining('Configuration is valid') as string,
  });
});

const analyze = withProgram('systemd-analyze', (path) => {
  const unit = put('probe/probe.service', '[Service]\nExecStart=/bin/true\n');
  const { status, said } = run(path, 'verify', '--man=no', unit);
  return status === 0 && said === '' ? undefined : `it cannot verify units here: ${said.trim()}`;
});
test.skipIf(analyze.skip).each(boxes)('systemd: the units of %s', (box) => {
  const found = realSite.topology.boxes.find(({ name }) => name === box)!;
  const units = filesOf(realSite, found, templates)
    .filter(({ path }) => path.endsWith('.service'))
    .map(({ path, content }) =>
      put(
        `${box}/units/${path.replace(/.*\//, '')}`,
        content.replaceAll('/opt/hotspare-node/bin/node', '/bin/true'),
      ),
    );
  expect(units.length).toBeGreaterThan(1);
  expect(run(analyze.path, 'verify', '--man=no', ...units)).toEqual({ status: 0, said: '' });
});

describe('roles.sql', () => {
  let postgres: RealPostgres;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres.destroy());

  const psql = (...args: string[]) => {
    const url = new URL(postgres.url('postgres'));
    url.pathname = '/postgres';
    const program = join(findBinaries().postgresBin ?? '', 'psql');
    return execFileSync(program, ['-X', '-q', '-d', url.href, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  };
  const roles = put('roles.sql', fileOf(realSite, 'pg1', 'roles.sql').content);
  const apply = () => psql('-f', roles);
  const logged = async () => (await postgres.query('SELECT pg_current_wal_insert_lsn()::text'))[0]?.[0];

  test('run twice; the second time nothing is written', async () => {
    apply();
    const before = await logged();
    apply();
    const [row] = await postgres.query('SELECT pg_wal_lsn_diff($1::pg_lsn, $2::pg_lsn)::int', [
      await logged(),
      before,
    ]);
    // Postgres itself notes its running transactions now and then.
    expect(row?.[0]).toBeLessThan(1_000);
  });

  test('nobody is more than he needs to be', async () => {
    const rows = await postgres.query(
      `SELECT rolname, rolsuper OR rolcreatedb OR rolcreaterole OR rolbypassrls, rolreplication FROM pg_roles
        WHERE rolname IN ('hotspare_agent', 'hotspare_replication', 'todo_app', 'todo_migrate') ORDER BY 1`,
    );
    expect(rows).toEqual([
      ['hotspare_agent', false, false],
      ['hotspare_replication', false, true],
      ['todo_app', false, false],
      ['todo_migrate', false, false],
    ]);
    const rights = `has_database_privilege($1, 'todo', 'CREATE'), has_database_privilege($1, 'todo', 'CONNECT'), pg_has_role($1, 'pg_monitor', 'MEMBER')`;
    expect(await postgres.query(`SELECT ${rights}`, ['todo_app'])).toEqual([[false, true, false]]);
    expect(await postgres.query(`SELECT ${rights}`, ['hotspare_agent'])).toEqual([[false, false, true]]);
    // In the database the agent uses.
    const own = `SELECT has_table_privilege('hotspare_agent', 'hotspare.heartbeat', 'INSERT'),
      has_table_privilege('hotspare_agent', 'hotspare.heartbeat', 'DELETE'),
      has_schema_privilege('hotspare_agent', 'hotspare', 'CREATE')`;
    expect(psql('-A', '-t', '-c', own).trim()).toBe('t|f|f');
  });

  test('a slot for each replica that keeps nothing before it is used; one of a member that is gone is dropped', async () => {
    await postgres.query(
      `SELECT pg_create_physical_replication_slot(name, true) FROM unnest(ARRAY['pg9', 'backup']) AS name`,
    );
    apply();
    expect(
      await postgres.query(
        'SELECT slot_name::text, restart_lsn IS NULL FROM pg_replication_slots ORDER BY 1',
      ),
    ).toEqual([
      ['backup', false],
      ['pg2', true],
    ]);
  });
});
