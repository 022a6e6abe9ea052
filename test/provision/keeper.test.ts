import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseKeeperConfig } from '../../keeper/config.js';
import { programsOn } from '../../provision/services/index.js';
import { placeOf } from '../../provision/services/program.js';
import { filesOf } from '../../provision/files/files.js';
import { boxOf, fileOf, labSite, realSite, templates, topology } from './sites.js';

const withRoles = (roles: 'managed' | 'observe') => ({
  ...realSite,
  topology: {
    ...topology,
    postgres: { ...topology.postgres, policy: { ...topology.postgres.policy, roles } },
  },
});
const managed = withRoles('managed');
const observed = withRoles('observe');
const lines = (ending: string, box = 'pg2') => fileOf(realSite, box, ending).content.split('\n');

describe.each([
  ['the lab', labSite],
  ['real boxes', realSite],
])('the keeper of %s', (_where, site) => {
  test('accepts what is rendered for it, and reads the settings that Postgres reads last', () => {
    const paths = site.pathsOf(boxOf(site, 'pg2'));
    const config = parseKeeperConfig(fileOf(site, 'pg2', 'keeper.yaml').content, 'keeper.yaml');
    expect(config).toMatchObject({
      member: 'pg2',
      socket: paths.keeperSocket,
      stateDir: paths.keeperState,
      postgres: {
        dataDir: paths.postgresData,
        configFile: paths.postgresMainConf,
        settingsFile: paths.keeperSettings,
        socketDir: paths.postgresSockets,
      },
      replication: {
        user: 'hotspare_replication',
        passfile: fileOf(site, 'pg2', 'replication.pgpass').path,
      },
    });
  });

  test('is where Postgres is, and is started between Consul and Postgres, the agent after both', () => {
    const on = (box: string) => programsOn(site, boxOf(site, box)).map(({ name }) => name);
    expect(on('pg1').filter((name) => name !== 'common')).toEqual(['consul', 'keeper', 'pg', 'agent']);
    expect(on('nginx1')).not.toContain('keeper');
  });
});

test("lab: Postgres' own file lies outside the data directory, and what the keeper writes is read last", () => {
  const { path, content } = fileOf(labSite, 'pg1', 'postgresql.conf');
  const { command, before, beforeStop } = programsOn(labSite, boxOf(labSite, 'pg1')).find(
    ({ name }) => name === 'pg',
  )!.process!(placeOf(labSite, boxOf(labSite, 'pg1')), (main, ...args) => ['node', main, ...args]);
  expect(command).toEqual(['/pg/bin/postgres', '-D', '/pg1/data', '-c', `config_file=${path}`]);
  expect(content.trim().split('\n').at(-1)).toBe(
    `include '${labSite.pathsOf(boxOf(labSite, 'pg1')).keeperSettings}'`,
  );
  expect(before).toEqual({
    ifThere: '/pg1/keeper/managed',
    command: ['node', 'keeper/main.js', 'prepare-start', '--config', '/pg1/etc/keeper.yaml'],
  });
  expect(beforeStop).toEqual({
    ifThere: '/pg1/keeper/managed',
    command: ['node', 'cli/hand-over.js', 'pg', '--config', '/pg1/etc/agent.yaml'],
  });
});

test('the agent knows its keeper, all members and the first policy', () => {
  const services = (site: typeof realSite) =>
    (parse(fileOf(site, 'pg2', 'agent.yaml').content) as { services: Record<string, unknown>[] }).services;
  expect(services(observed)[0]).toMatchObject({ failover: { policy: { roles: 'observe' } } });
  expect(services(managed)[0]).toMatchObject({
    failover: {
      keeper: '/run/hotspare-keeper/keeper.sock',
      members: [
        { name: 'pg1', address: '192.168.11.11', port: 5432, agent: 'http://192.168.11.11:8008' },
        { name: 'pg2', address: '192.168.11.12', port: 5432, agent: 'http://192.168.11.12:8008' },
      ],
      policy: { roles: 'managed', promotion: 'manual', durability: 'async' },
    },
  });
});

describe('systemd', () => {
  test('before each start of Postgres, as its account, only where the member is managed', () => {
    expect(lines('postgresql@15-main.service.d/hotspare.conf')).toContain(
      "ExecStartPre=/bin/sh -c 'test ! -e /var/lib/hotspare-keeper/managed || exec /usr/sbin/runuser -u postgres -- " +
        "/opt/hotspare-node/bin/node /opt/hotspare/dist/keeper/main.js prepare-start --config /etc/hotspare/keeper.yaml'",
    );
  });

  test('Postgres is started again after a crash where it is managed, and only there', () => {
    const ending = 'postgresql@15-main.service.d/hotspare.conf';
    const text = fileOf(managed, 'pg1', ending).content;
    const plain = fileOf(observed, 'pg1', ending).content;
    expect(text).toMatch(/^Restart=on-failure\nRestartSec=100ms$/m);
    expect(text).toMatch(/^StartLimitIntervalSec=0$/m);
    expect(plain).not.toMatch(/Restart|rewinding/);
    for (const one of [text, plain]) expect(one).toMatch(/^TimeoutStopSec=5min$/m);
    expect(lines('consul.service')).toContain('RestartSec=100ms');
  });

  test('before Postgres is stopped its role is handed over, where the member is managed by then', () => {
    for (const given of [managed, observed])
      // The first may fail; the second is the distribution's own, which an empty one takes away.
      expect(
        fileOf(given, 'pg1', 'postgresql@15-main.service.d/hotspare.conf').content.match(/^ExecStop=.*$/gm),
      ).toEqual([
        'ExecStop=',
        expect.stringMatching(
          /^ExecStop=-.*MAINPID.* -e \/var\/lib\/hotspare-keeper\/managed .*hand-over\.js pg --config \/etc\/hotspare\/agent\.yaml'$/,
        ),
        'ExecStop=/usr/bin/pg_ctlcluster --skip-systemctl-redirect -m fast %i stop',
      ]);
  });

  test('its stop leaves the shared memory of Postgres, and it may give its socket away', () => {
    const settings = lines('hotspare-keeper.service');
    // The later one of two counts.
    expect(settings.filter((line) => line.startsWith('RemoveIPC=')).at(-1)).toBe('RemoveIPC=no');
    expect(settings.filter((line) => line.startsWith('SystemCallFilter=')).at(-1)).toBe(
      'SystemCallFilter=@chown',
    );
    expect(settings).toEqual(
      expect.arrayContaining(['User=postgres', 'NoNewPrivileges=yes', 'RuntimeDirectory=hotspare-keeper']),
    );
  });

  test('its socket is for its own group, which the agent of that box has and no other', () => {
    const group = 'SupplementaryGroups=hotspare-keeper';
    expect(fileOf(realSite, 'pg1', 'keeper.yaml').content).toContain('group: hotspare-keeper\n');
    expect(lines('hotspare-keeper.service')).toContain(group);
    const agents = topology.boxes.filter(({ name }) => lines('hotspare-agent.service', name).includes(group));
    expect(agents.map(({ name }) => name)).toEqual(['pg1', 'pg2']);
    expect(lines('hotspare-agent.service')).toContain(
      'After=network-online.target consul.service hotspare-keeper.service',
    );
  });

  test('no other unit has that group', () => {
    const all = topology.boxes.flatMap((box) => filesOf(realSite, box, templates));
    const having = all.filter(({ content }) => content.includes('SupplementaryGroups='));
    expect(new Set(having.map(({ path }) => path))).toEqual(
      new Set(['/etc/systemd/system/hotspare-keeper.service', '/etc/systemd/system/hotspare-agent.service']),
    );
  });
});
