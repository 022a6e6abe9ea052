import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseAgentConfig } from '../../agent/config.js';
import { parseSettings } from '../../keeper/state/settings.js';
import { filesOf } from '../../provision/files/files.js';
import { boxOf, fileOf, realSite as site, templates, topology } from './sites.js';

const text = (box: string, ending: string) => fileOf(site, box, ending).content;
const lines = (box: string, ending: string) => text(box, ending).split('\n');
const allFiles = topology.boxes.flatMap((box) => filesOf(site, box, templates));

interface AgentFile {
  http: Record<string, unknown>;
  consul: Record<string, unknown>;
  services: { name: string; unit: string; port: number }[];
  templates?: { source: string; destination: string; command: string[] }[];
}
const agent = (box: string) => parse(text(box, 'agent.yaml')) as AgentFile;

describe('every file', () => {
  test('paths are absolute, but of what is only used while provisioning', () => {
    for (const { path, staged } of allFiles) expect(path.startsWith('/')).toBe(!staged);
    expect(allFiles.filter(({ staged }) => staged).map(({ path }) => path)).toEqual([
      'roles.sql',
      'roles.sql',
    ]);
  });

  test('secrets stand only in files of mode 0600 that belong to who needs them', () => {
    const { tokens, passwords, gossipKey, http } = site.secrets;
    const secrets = [gossipKey, http, ...Object.values(tokens), ...Object.values(passwords), site.tls.key];
    const secretFiles = allFiles.filter(({ content }) => secrets.some((one) => content.includes(one)));
    for (const { path, mode } of secretFiles) expect([path, mode]).toEqual([path, 0o600]);
    const owners = Object.fromEntries(
      secretFiles.map(({ path, owner }) => [path.replace(/.*\//, ''), owner]),
    );
    expect(owners).toEqual({
      'consul.json': 'consul',
      'agent.token': 'hotspare',
      'agent.password': 'hotspare',
      'http.secret': 'hotspare',
      'app.token': 'todomvc',
      'app.password': 'todomvc',
      'migration.password': 'todomvc',
      'replication.pgpass': 'postgres',
      'roles.sql': 'root',
      'key.pem': 'root',
    });
  });

  test('the same is rendered every time: a second provisioning changes nothing', () => {
    const again = topology.boxes.flatMap((box) => filesOf(site, box, templates));
    expect(again).toEqual(allFiles);
  });
});

describe('Consul', () => {
  test('answers the box itself on loopback, and the others never', () => {
    expect(JSON.parse(text('pg2', 'consul.json'))).toMatchObject({
      client_addr: '192.168.11.12 127.0.0.1',
      bind_addr: '192.168.11.12',
      acl: { default_policy: 'deny' },
    });
  });

  test('a box made anew is the same node; every box is another; other secrets make other nodes', () => {
    const id = (box: string, of = site) =>
      (JSON.parse(fileOf(of, box, 'consul.json').content) as { node_id: string }).node_id;
    expect(id('pg1')).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(new Set(topology.boxes.map(({ name }) => id(name))).size).toBe(topology.boxes.length);
    const other = { ...site, secrets: { ...site.secrets, gossipKey: 'another' } };
    expect(id('pg1', other)).not.toBe(id('pg1'));
  });
});

describe('Postgres', () => {
  const access = () =>
    lines('pg1', 'pg_hba.conf')
      .filter((line) => line && !line.startsWith('#'))
      .map((line) => line.trim().split(/\s+/).join(' '));

  test('each role from the boxes that need it; the superuser only by the local socket', () => {
    expect(access()).toEqual([
      'local all postgres peer',
      'host postgres hotspare_agent 192.168.11.11/32 scram-sha-256',
      'host postgres hotspare_agent 192.168.11.12/32 scram-sha-256',
      'host replication hotspare_replication 192.168.11.11/32 scram-sha-256',
      'host replication hotspare_replication 192.168.11.12/32 scram-sha-256',
      'host postgres hotspare_replication 192.168.11.11/32 scram-sha-256',
      'host postgres hotspare_replication 192.168.11.12/32 scram-sha-256',
      'host todo todo_app 192.168.11.21/32 scram-sha-256',
      'host todo todo_app 192.168.11.22/32 scram-sha-256',
      'host todo todo_migrate 192.168.11.21/32 scram-sha-256',
      'host todo todo_migrate 192.168.11.22/32 scram-sha-256',
    ]);
    expect(fileOf(site, 'pg1', 'pg_hba.conf')).toMatchObject({ mode: 0o640, owner: 'postgres' });
  });

  test("the distribution's own paths stay; every address is listened on", () => {
    const { path, content } = fileOf(site, 'pg2', 'hotspare.conf');
    expect(path).toBe('/etc/postgresql/15/main/conf.d/hotspare.conf');
    expect(content).toContain("listen_addresses = '*'");
    expect(content).not.toMatch(/hba_file|unix_socket_directories|data_directory/);
    expect(content).not.toMatch(/^primary_/m);
  });

  test("whom it follows stands in the keeper's file, as the keeper reads it, and is written once", () => {
    const { path, content, initialOnly } = fileOf(site, 'pg2', 'main/hotspare.conf');
    expect([path, initialOnly]).toEqual(['/etc/postgresql/15/main/hotspare.conf', true]);
    const { primary_conninfo, primary_slot_name } = parseSettings(content);
    expect(primary_conninfo).toContain('host=192.168.11.11 port=5432 user=hotspare_replication');
    expect(primary_slot_name).toBe('pg2');
  });

  test('slots: one a replica, none for the primary; those of members that are gone are dropped, and no others', () => {
    const sql = text('pg1', 'roles.sql');
    expect(sql).toContain("unnest(ARRAY['pg2']::text[]) AS slot");
    expect(sql).toContain("slot_name ~ '^(pg)[0-9]+$'");
    expect(sql).toContain("slot_name <> ALL (ARRAY['pg1', 'pg2'])");
  });
});

describe('nginx', () => {
  test("under the distribution's unit: forks, logs to the journal, all addresses, TLS beside plain HTTP", () => {
    const conf = text('nginx1', 'nginx.conf');
    expect(conf).not.toContain('daemon');
    for (const line of [
      'user www-data;',
      'pid /run/nginx.pid;',
      'error_log stderr warn;',
      'listen 80;',
      'listen 443 ssl http2;',
      'ssl_certificate /etc/nginx/tls/cert.pem;',
      'ssl_certificate_key /etc/nginx/tls/key.pem;',
      'ssl_protocols TLSv1.2 TLSv1.3;',
      'include /var/lib/hotspare/nginx/upstreams.conf;',
    ])
      expect(conf).toContain(`${line}\n`);
    expect(fileOf(site, 'nginx1', 'cert.pem')).toMatchObject({ content: 'CERTIFICATE\n', mode: 0o644 });
  });

  test('the list of web apps belongs to the agent and is only begun here', () => {
    expect(fileOf(site, 'nginx1', '/upstreams.conf')).toMatchObject({ owner: 'hotspare', initialOnly: true });
  });
});

describe('agent', () => {
  test.each([...topology.boxes])('$name: it accepts what is rendered for it', (box) => {
    const folder = mkdtempSync(join(tmpdir(), 'hotspare-agent-yaml-'));
    try {
      for (const { path, content } of filesOf(site, box, templates))
        if (path.startsWith('/etc/hotspare/agent.') || path.endsWith('/http.secret'))
          writeFileSync(join(folder, basename(path)), content);
      const rendered = text(box.name, 'agent.yaml').replaceAll('/etc/hotspare', folder);
      expect(parseAgentConfig(rendered, 'agent.yaml').box).toBe(box.name);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('asks for the secret before it changes anything, and knows the units of its services', () => {
    const { http, consul, services } = agent('nginx1');
    expect(http).toEqual({ host: '192.168.11.21', port: 8008, secretFile: '/etc/hotspare/http.secret' });
    expect(consul).toEqual({ url: 'http://127.0.0.1:8500', tokenFile: '/etc/hotspare/agent.token' });
    expect(services.map(({ name, unit, port }) => [name, unit, port])).toEqual([
      ['nginx', 'nginx.service', 80],
      ['todomvc', 'todomvc.service', 3000],
    ]);
    expect(agent('pg1').services[0]?.unit).toBe('postgresql@15-main.service');
  });

  test('reloads by systemd what it keeps files for; a stopped program stays stopped', () => {
    const reload = ['/usr/bin/systemctl', '--no-ask-password', 'try-reload-or-restart'];
    expect(agent('nginx2').templates).toEqual([
      {
        source: '/etc/hotspare/upstreams.conf.hbs',
        destination: '/var/lib/hotspare/nginx/upstreams.conf',
        format: 'nginx',
        command: [...reload, 'nginx.service'],
      },
    ]);
    expect(agent('adm1').templates).toEqual([
      {
        source: '/etc/hotspare/dns-hosts.hbs',
        destination: '/var/lib/hotspare/dns/hosts',
        format: 'hosts',
        command: [...reload, 'dnsmasq.service'],
      },
    ]);
    expect(agent('pg1').templates).toBeUndefined();
  });

  const polkit = (box: string, user: string, id: string, unit: string, verb: string): string => {
    let decide: (action: unknown, subject: unknown) => string = () => 'no rule';
    const Result = { YES: 'yes', NO: 'no', NOT_HANDLED: 'not handled' };
    const addRule = (rule: typeof decide) => (decide = rule);
    runInNewContext(text(box, '50-hotspare.rules'), { polkit: { Result, addRule } });
    const details: Record<string, string> = { unit, verb };
    return decide({ id, lookup: (key: string) => details[key] }, { user });
  };
  const manage = 'org.freedesktop.systemd1.manage-units';
  test.each([
    ['its own service', 'nginx1', 'hotspare', manage, 'nginx.service', 'restart', 'yes'],
    ['a kill', 'pg1', 'hotspare', manage, 'postgresql@15-main.service', 'kill', 'yes'],
    [
      'the reload of a template',
      'adm1',
      'hotspare',
      manage,
      'dnsmasq.service',
      'reload-or-try-restart',
      'yes',
    ],
    ['a service of another box', 'nginx1', 'hotspare', manage, 'postgresql@15-main.service', 'stop', 'no'],
    ['Consul', 'nginx1', 'hotspare', manage, 'consul.service', 'stop', 'no'],
    ['itself', 'nginx1', 'hotspare', manage, 'hotspare-agent.service', 'stop', 'no'],
    ['other verbs', 'nginx1', 'hotspare', manage, 'nginx.service', 'set-property', 'no'],
    [
      'unit files',
      'nginx1',
      'hotspare',
      'org.freedesktop.systemd1.manage-unit-files',
      'nginx.service',
      'start',
      'no',
    ],
    ['other users', 'nginx1', 'todomvc', manage, 'nginx.service', 'stop', 'not handled'],
  ])('may it drive %s?', (_what, box, user, id, unit, verb, answer) => {
    expect(polkit(box, user, id, unit, verb)).toBe(answer);
  });
});

describe('systemd', () => {
  const hardened = ['consul.service', 'hotspare-agent.service', 'todomvc.service'];
  test.each(hardened)('%s runs as an account of its own, with no privileges, and comes back', (unit) => {
    const settings = lines('nginx1', unit);
    for (const setting of [
      'NoNewPrivileges=yes',
      'ProtectSystem=strict',
      'ProtectHome=yes',
      'PrivateTmp=yes',
      'CapabilityBoundingSet=',
      'Restart=always',
      'StartLimitIntervalSec=0',
      'WantedBy=multi-user.target',
    ])
      expect(settings).toContain(setting);
    expect(settings.filter((line) => /^(User|MemoryMax|LimitNOFILE)=/.test(line))).toHaveLength(3);
    expect(settings).not.toContain('User=root');
  });

  test('the agent reports, is watched, and lets nginx and dnsmasq read what it keeps', () => {
    const settings = lines('nginx1', 'hotspare-agent.service');
    expect(settings).toEqual(
      expect.arrayContaining(['Type=notify', 'WatchdogSec=10s', 'WatchdogSignal=SIGKILL']),
    );
    expect(settings).toEqual(
      expect.arrayContaining(['StateDirectory=hotspare hotspare/nginx', 'UMask=0022']),
    );
    expect(lines('adm1', 'hotspare-agent.service')).toContain('StateDirectory=hotspare hotspare/dns');
    expect(lines('pg1', 'hotspare-agent.service')).toContain('StateDirectory=hotspare');
  });

  test('a web app may drain to its end', () => {
    expect(lines('nginx1', 'todomvc.service')).toContain('TimeoutStopSec=40s');
  });

  test("the distribution's units get what they lack, and nothing else", () => {
    expect(lines('nginx1', 'nginx.service.d/hotspare.conf')).toContain('Restart=on-failure');
    expect(lines('adm1', 'dnsmasq.service.d/hotspare.conf')).toContain('Restart=on-failure');
  });
});

test('DNS: only on the box of the topology, for the name of the topology', () => {
  const conf = lines('adm1', 'dnsmasq.d/hotspare.conf');
  expect(conf).toEqual(
    expect.arrayContaining(['local=/todo.hotspare.test/', 'server=/consul/127.0.0.1#8600', 'no-resolv']),
  );
  expect(text('adm1', 'dns-hosts.hbs')).toContain(
    '{{#each (service "nginx")}}\n{{address}} todo.hotspare.test\n',
  );
  expect(fileOf(site, 'adm1', 'dns/hosts')).toMatchObject({ owner: 'hotspare', initialOnly: true });
  expect(filesOf(site, boxOf(site, 'nginx1'), templates).some(({ concern }) => concern === 'dns')).toBe(
    false,
  );
});

test('todomvc: its own Consul by loopback, no secret in the environment', () => {
  const environment = lines('nginx2', 'todomvc.env');
  expect(environment).toEqual(
    expect.arrayContaining([
      'BOX=nginx2',
      'HOST=192.168.11.22',
      'PORT=3000',
      'DATABASE_URL=postgres://todo_app@pg.service.consul/todo',
      'CONSUL_HTTP_ADDR=http://127.0.0.1:8500',
      'HOTSPARE_DNS=127.0.0.1:8600',
    ]),
  );
});
