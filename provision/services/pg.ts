import { join } from 'node:path';
import { ports } from '../../common/names.js';
import { firstPrimaryOf, slotName } from '../postgres/members.js';
import { addressOf, portOf, type BoxPaths, type Site } from '../site/site.js';
import { boxesWith, type Box } from '../topology/model.js';
import { beforePostgres, beforePostgresStop, beforePostgresValues } from './keeper.js';
import { service } from './program.js';

const owner = 'postgres';
const unitOf = ({ binaries }: Pick<Site, 'binaries'>) => `postgresql@${binaries.postgresMajor}-main.service`;

export const pg = service({
  name: 'pg',
  steps: ['postgres'],
  order: 20,
  unit: unitOf,
  port: (site) => portOf(site, 'postgres'),
  openings: [
    {
      what: 'Postgres',
      port: ports.postgres,
      protocols: ['tcp'],
      on: 'pg boxes',
      from: ['todomvc boxes', 'pg boxes'],
    },
  ],
  registration: ({ site, paths }) => ({
    kind: 'postgres',
    settings: {
      dataDir: paths.postgresData,
      probe: { user: 'hotspare_agent', passwordFile: join(paths.config, 'agent.password') },
      failover: failoverOf(site, paths),
    },
  }),
  agentFiles: ({ site, paths }, { secret }) => [
    secret(join(paths.config, 'agent.password'), site.secrets.passwords.agent, 'hotspare'),
  ],
  logins: [
    { database: 'postgres', user: 'hotspare_agent' },
    { database: 'replication', user: 'hotspare_replication' },
    // pg_rewind reads files by SQL.
    { database: 'postgres', user: 'hotspare_replication' },
  ],
  process: (place, node) => ({
    command: [
      join(place.site.binaries.postgresBin, 'postgres'),
      '-D',
      place.paths.postgresData,
      '-c',
      `config_file=${place.paths.postgresMainConf}`,
    ],
    account: place.site.postgresAccount,
    before: beforePostgres(place, node),
    beforeStop: beforePostgresStop(place, node),
    // "Fast": sessions are ended, a last checkpoint is written.
    stopSignal: 'SIGINT',
    stopTimeoutMs: 30_000,
    killMode: 'process',
  }),
  values: (place) => {
    const { site, address, paths } = place;
    const { topology } = site;
    const member = (box: Box) => ({ name: box.name, address: addressOf(site, box) });
    const primary = firstPrimaryOf(topology);
    return {
      primary: member(primary),
      replicas: boxesWith(topology, 'pg')
        .filter((other) => other !== primary)
        .map(member),
      /** Names of pg boxes there are or were: what a slot of a box that is gone looks like. */
      pgGroups: topology.groups.filter(({ services }) => services.includes('pg')).map(({ name }) => name),
      postgres: {
        listen: site.loopback === 'own' ? '*' : address,
        ...(site.supervisor === 'systemd'
          ? // Where the distribution has them; the log goes to systemd's journal, which bounds what it keeps.
            { socketFolder: null, configFolder: null, logDestination: 'syslog' }
          : {
              socketFolder: paths.postgresSockets,
              configFolder: paths.postgresConfig,
              account: site.accountName,
              logDestination: 'stderr',
            }),
      },
      before: beforePostgresValues(place),
      isManaged: topology.postgres.policy.roles === 'managed',
    };
  },
  files: ({ site, paths }, { rendered, unit }) => {
    const { config, postgresConfig, postgresMainConf, postgresSettings, keeperSettings } = paths;
    return [
      rendered(postgresSettings, 'postgres.conf.hbs', { owner }),
      rendered(keeperSettings, 'keeper.conf.hbs', { owner, initialOnly: true }),
      rendered(join(postgresConfig, 'pg_hba.conf'), 'pg_hba.conf.hbs', { mode: 0o640, owner }),
      rendered(join(postgresConfig, 'replication.pgpass'), 'replication.pgpass.hbs', { mode: 0o600, owner }),
      ...(site.supervisor === 'systemd'
        ? [rendered('roles.sql', 'roles.sql.hbs', { mode: 0o600, staged: true })]
        : [
            rendered(postgresMainConf, 'postgresql.conf.hbs', { owner }),
            rendered(join(postgresConfig, 'pg_ident.conf'), 'pg_ident.conf.hbs', { owner }),
            rendered(join(config, 'roles.sql'), 'roles.sql.hbs', { mode: 0o600 }),
          ]),
      ...unit(`${unitOf(site)}.d/hotspare.conf`, 'postgres.dropin.conf.hbs'),
    ];
  },
  variables: ({ site, box }) => variablesOf(site, box),
});

/** What the agent moves the roles with. */
const failoverOf = (site: Site, { keeperSocket }: BoxPaths) => ({
  keeper: keeperSocket,
  policy: site.topology.postgres.policy,
  members: boxesWith(site.topology, 'pg').map((box) => ({
    name: box.name,
    address: addressOf(site, box),
    port: portOf(site, 'postgres'),
    agent: `http://${addressOf(site, box)}:${portOf(site, 'agentHttp')}`,
  })),
});

function variablesOf(site: Site, box: Box): Record<string, string> {
  const { topology } = site;
  const others = boxesWith(topology, 'pg').filter(({ name }) => name !== box.name);
  const primary = firstPrimaryOf(topology);
  const { keeperSettings, postgresConfig, postgresData } = site.pathsOf(box);
  return {
    POSTGRES_MAJOR: String(site.binaries.postgresMajor),
    POSTGRES_DATA: postgresData,
    POSTGRES_SETTINGS: postgresConfig,
    POSTGRES_PROGRAMS: site.binaries.postgresBin,
    POSTGRES_PORT: String(portOf(site, 'postgres')),
    PG_OTHERS: others.map((other) => `${other.name}=${addressOf(site, other)}`).join(' '),
    AGENT_PORT: String(portOf(site, 'agentHttp')),
    IS_MANAGED: String(topology.postgres.policy.roles === 'managed'),
    IS_FIRST_PRIMARY: String(box.name === primary.name),
    PRIMARY: primary.name,
    PRIMARY_ADDRESS: addressOf(site, primary),
    SLOT: slotName(box.name),
    KEEPER_SETTINGS: keeperSettings,
  };
}
