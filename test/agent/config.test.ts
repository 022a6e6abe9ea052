import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadAgentConfig, parseAgentConfig } from '../../agent/config.js';

const folder = mkdtempSync(join(tmpdir(), 'hotspare-config-'));
const secretFile = join(folder, 'secret');
writeFileSync(secretFile, 'open sesame\n');
writeFileSync(join(folder, 'http.secret'), 'a-secret-that-is-long-enough\n');
writeFileSync(join(folder, 'empty'), '\n');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const base = `box: pg1
address: 127.0.11.11
stateDir: /var/lib/hotspare
http: { host: 127.0.11.11, port: 8008 }
consul: { url: "http://127.0.11.11:8500" }
`;
const postgres = (more: string) => `${base}services:
  - name: pg
    kind: postgres
    port: 5432
    ${more}
`;
const probe = `probe: { user: hotspare_agent, passwordFile: ${secretFile} }`;

describe('what may be left out has a default', () => {
  test('a box without services', () => {
    const config = parseAgentConfig(base, 'agent.yaml');
    expect(config).toMatchObject({ services: [], templates: [], log: { level: 'info' } });
  });

  test('postgres', () => {
    const [service] = parseAgentConfig(postgres(probe), 'agent.yaml').services;
    expect(service).toMatchObject({
      address: '127.0.11.11',
      probe: { database: 'postgres', intervalMs: 1_000, timeoutMs: 900 },
      minFreeBytes: 104_857_600,
    });
  });

  test('http, and a shorter interval shortens the deadline', () => {
    const text = `${base}services: [{ name: a, kind: http, port: 80 }, { name: b, kind: http, port: 81, probe: { intervalMs: 200 } }]`;
    const [plain, quick] = parseAgentConfig(text, 'agent.yaml').services;
    expect(plain?.probe).toEqual({ path: '/', intervalMs: 500, timeoutMs: 300 });
    expect(quick?.probe).toEqual({ path: '/', intervalMs: 200, timeoutMs: 180 });
  });
});

describe('failover', () => {
  const failover = (more: string) =>
    postgres(`${probe}
    failover:
      keeper: /run/keeper.sock
      members:
        - { name: pg1, address: 127.0.11.11, port: 5432, agent: "http://127.0.11.11:8008/" }
        - { name: pg2, address: 127.0.11.12, port: 5432, agent: "http://127.0.11.12:8008" }
      ${more}`);

  test('has defaults that change nothing: roles are observed', () => {
    const [service] = parseAgentConfig(failover('priority: 0'), 'agent.yaml').services;
    expect(service?.kind === 'postgres' && service.failover).toMatchObject({
      firstPolicy: {
        roles: 'observe',
        promotion: 'manual',
        durability: 'async',
        strict: false,
        paused: false,
      },
      maxLagBytes: 16_777_216,
      priority: 0,
    });
    expect(service?.kind === 'postgres' && service.failover?.members.get('pg1')?.agent).toBe(
      'http://127.0.11.11:8008',
    );
  });

  test.each([
    ['policy: { roles: owned }', /policy\.roles.*owned.*observe, managed/],
    ['priority: 2', /priority.*0 for a member that is never promoted/],
    ['maxLag: 1', /maxLag.*no such key here/],
  ])('%s is refused', (more, sentence) => {
    expect(() => parseAgentConfig(failover(more), 'agent.yaml')).toThrow(sentence);
  });

  test('a member twice, and a name that cannot stand in names of standbys, are refused', () => {
    expect(() => parseAgentConfig(failover('').replace('name: pg2', 'name: pg1'), 'agent.yaml')).toThrow(
      /members\[1\]\.name.*no other member/,
    );
    expect(() => parseAgentConfig(failover('').replace('name: pg2', 'name: PG_2'), 'agent.yaml')).toThrow(
      /members\[1\]\.name.*PG_2/,
    );
  });
});

test('secrets are read and never shown', () => {
  const config = parseAgentConfig(
    postgres(probe).replace('8500"', `8500", tokenFile: ${secretFile}`),
    'agent.yaml',
  );
  const [service] = config.services;
  expect(service?.kind === 'postgres' && service.probe.password.reveal()).toBe('open sesame');
  expect(config.consul.token?.reveal()).toBe('open sesame');
  expect(JSON.stringify(config) + String(config.consul.token)).not.toContain('sesame');
});

test('TLS to Postgres: as in pg, with certificates and keys by file', () => {
  const sslOf = (ssl: string) => {
    const [service] = parseAgentConfig(
      postgres(probe.replace(' }', `, ssl: ${ssl} }`)),
      'agent.yaml',
    ).services;
    return service?.kind === 'postgres' ? service.probe.ssl : undefined;
  };
  expect(sslOf('false')).toBeUndefined();
  expect(sslOf('true')).toEqual({ files: {}, first: {} });
  const full = sslOf(
    `{ rejectUnauthorized: false, servername: pg1, caFile: ${secretFile}, certFile: ${secretFile}, keyFile: ${secretFile} }`,
  );
  expect(full).toMatchObject({
    files: { ca: secretFile, cert: secretFile, key: secretFile },
    first: { rejectUnauthorized: false, servername: 'pg1', ca: 'open sesame\n', cert: 'open sesame\n' },
  });
  expect(full?.first.key?.reveal()).toBe('open sesame\n');
  expect(() => sslOf('yes please')).toThrow('probe.ssl is "yes please"; expected true, false or a mapping');
  expect(() => sslOf(`{ certFile: ${secretFile} }`)).toThrow(
    'probe.ssl.keyFile is missing; expected certFile and',
  );
  expect(() => sslOf('{ caFile: /nowhere }')).toThrow('expected a readable file with certificates');
  expect(() => sslOf('{ rejectUnauthorized: 0 }')).toThrow('expected true or false');
});

test('the supervisor is systemd unless a lab is named, and its units are called as it calls them', () => {
  const services = (unit: string) => `services: [{ name: a, kind: http, port: 80, unit: ${unit} }]\n`;
  const read = (text: string) => parseAgentConfig(`${base}${text}`, 'agent.yaml');
  expect(read(services('a.service')).supervisor).toEqual({ kind: 'systemd' });
  expect(read(`supervisor: systemd\n${services('a.service')}`).supervisor).toEqual({ kind: 'systemd' });
  const lab = read(`supervisor: { processes: /srv/lab }\n${services('a@b1')}`);
  expect(lab.supervisor).toEqual({ kind: 'processes', directory: '/srv/lab' });
  expect(lab.services[0]?.unit).toBe('a@b1');
  for (const [text, message] of [
    ['supervisor: runit\n', 'supervisor is "runit"; expected systemd, or a mapping'],
    ['supervisor: { processes: lab }\n', 'supervisor.processes is "lab"; expected an absolute path'],
    ['supervisor: { process: /lab }\n', 'process'],
    [
      `supervisor: { processes: /srv/lab }\n${services('a.service')}`,
      'services[0].unit is "a.service"; expected the name of one of the lab\'s programs, like pg@pg1',
    ],
    [services('a@b1'), 'expected the name of a systemd unit that ends in .service'],
  ] as const)
    expect(() => read(text)).toThrow(message);
});

test('the secret for changes, and the units they are made to', () => {
  const config = parseAgentConfig(
    postgres(`unit: postgresql@15-main.service\n    ${probe}`).replace(
      'port: 8008',
      `port: 8008, secretFile: ${folder}/http.secret`,
    ),
    'agent.yaml',
  );
  expect(config.http.secret?.reveal()).toBe('a-secret-that-is-long-enough');
  expect(JSON.stringify(config)).not.toContain('long-enough');
  expect(config.services[0]?.unit).toBe('postgresql@15-main.service');
});

const refusedRows: readonly (readonly [what: string, text: string, message: string])[] = [
  [
    'an unknown key',
    `${base}colour: red\n`,
    'agent.yaml:6: colour is "red"; expected no such key here; known are box',
  ],
  [
    'an unknown key deep inside',
    postgres(`probe: { user: u, passwordFile: ${secretFile}, retries: 3 }`),
    'agent.yaml:10: services[0].probe.retries is 3; expected no such key here',
  ],
  ['a missing key', base.replace('box: pg1\n', ''), 'agent.yaml: box is missing; expected a name of letters'],
  [
    'a port as text',
    base.replace('8008', '"8008"'),
    'http.port is "8008"; expected a TCP port, a whole number from 1 to 65535',
  ],
  ['a port out of range', base.replace('8008', '80080'), 'http.port is 80080; expected a TCP port'],
  [
    'a fractional interval',
    postgres(probe.replace(' }', ', intervalMs: 99.5 }')),
    'services[0].probe.intervalMs is 99.5; expected milliseconds',
  ],
  [
    'an interval too long to keep the check alive',
    postgres(probe.replace(' }', ', intervalMs: 60000 }')),
    'services[0].probe.intervalMs is 60000; expected milliseconds, a whole number from 100 to 5000',
  ],
  [
    'a deadline beyond the interval',
    postgres(probe.replace(' }', ', timeoutMs: 1500 }')),
    'services[0].probe.timeoutMs is 1500; expected milliseconds, no more than intervalMs',
  ],
  [
    'an unknown kind',
    postgres(probe).replace('kind: postgres', 'kind: mysql'),
    'services[0].kind is "mysql"; expected one of http, postgres',
  ],
  [
    'a key of another kind',
    `${base}services: [{ name: a, kind: http, port: 80, dataDir: /x }]`,
    'services[0].dataDir is "/x"; expected no such key here',
  ],
  [
    'two services of one name',
    `${base}services: [{ name: a, kind: http, port: 80 }, { name: a, kind: http, port: 81 }]`,
    'services[1].name is "a"; expected a name that no other service of this box has',
  ],
  [
    'a relative path',
    base.replace('/var/lib', 'var/lib'),
    'stateDir is "var/lib/hotspare"; expected an absolute path',
  ],
  [
    'a Consul address without a scheme',
    base.replace('http://', ''),
    'consul.url is "127.0.11.11:8500"; expected the address of the local Consul agent',
  ],
  [
    'an unreadable password file',
    postgres(`probe: { user: u, passwordFile: ${folder}/none }`),
    `services[0].probe.passwordFile is "${folder}/none"; expected a readable file with the password (ENOENT`,
  ],
  [
    'an empty password file',
    postgres(`probe: { user: u, passwordFile: ${folder}/empty }`),
    'expected a file with the password; that one is empty',
  ],
  [
    'an unreadable token file',
    base.replace('8500"', `8500", tokenFile: ${folder}/none`),
    'consul.tokenFile is',
  ],
  [
    'an unknown log level',
    `${base}log: { level: loud }\n`,
    'log.level is "loud"; expected one of trace, debug',
  ],
  ['services that are no list', `${base}services: pg\n`, 'services is "pg"; expected a list of services'],
  [
    'a command that is a text',
    `${base}templates: [{ source: /a, destination: /b, command: nginx -s reload }]`,
    'templates[0].command is "nginx -s reload"; expected a list of program and arguments',
  ],
  [
    'an empty command',
    `${base}templates: [{ source: /a, destination: /b, command: [] }]`,
    'templates[0].command is []; expected a list of program and arguments',
  ],
  ...['todomvc', 'todomvc.socket', '../todomvc.service', '-H evil.service', 'a b.service'].map(
    (unit) =>
      [
        `the unit ${unit}`,
        `${base}services: [{ name: a, kind: http, port: 80, unit: ${unit} }]`,
        `services[0].unit is "${unit}"; expected the name of a systemd unit that ends in .service`,
      ] as const,
  ),
  [
    'a secret that can be guessed',
    base.replace('port: 8008', `port: 8008, secretFile: ${secretFile}`),
    `http.secretFile is "${secretFile}"; expected a file with a secret of at least 16 letters`,
  ],
  [
    'a secret that cannot be read',
    base.replace('port: 8008', `port: 8008, secretFile: ${folder}/none`),
    'expected a readable file with the secret that allows changes (ENOENT',
  ],
  ['YAML that is none', 'box: [pg1\n', 'agent.yaml:2:1: not valid YAML'],
  ['a key twice', `${base}box: pg2\n`, 'agent.yaml:6:1: not valid YAML'],
  ['an empty file', '# nothing\n', 'agent.yaml: the file is empty'],
  ['a list', '- a\n', 'agent.yaml: the whole file is ["a"]; expected a mapping'],
];

test.each(refusedRows)('%s is refused', (_, text, message) => {
  expect(() => parseAgentConfig(text, 'agent.yaml')).toThrow(message);
});

test('a file that is not there is a sentence', () => {
  expect(() => loadAgentConfig('/nowhere/agent.yaml')).toThrow(
    '/nowhere/agent.yaml: cannot read the configuration: ENOENT',
  );
});
