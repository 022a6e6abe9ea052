import { join } from 'node:path';
import { ports } from '../../common/names.js';
import { firstPrimaryOf, slotName } from '../postgres/members.js';
import { addressOf, portOf, type Site } from '../site/site.js';
import { boxesWith, type Box } from '../topology/model.js';
import { service } from './program.js';

const owner = 'postgres';

export const pg = service({
  name: 'pg',
  steps: ['postgres'],
  order: 20,
  unit: ({ binaries }) => `postgresql@${binaries.postgresMajor}-main.service`,
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
  registration: ({ paths }) => ({
    kind: 'postgres',
    settings: {
      dataDir: paths.postgresData,
      probe: { user: 'hotspare_agent', passwordFile: join(paths.config, 'agent.password') },
    },
  }),
  agentFiles: ({ site, paths }, { secret }) => [
    secret(join(paths.config, 'agent.password'), site.secrets.passwords.agent, 'hotspare'),
  ],
  logins: [
    { database: 'postgres', user: 'hotspare_agent' },
    { database: 'replication', user: 'hotspare_replication' },
  ],
  process: ({ site, paths }) => ({
    command: [join(site.binaries.postgresBin, 'postgres'), '-D', paths.postgresData],
    account: site.postgresAccount,
    // "Fast": sessions are ended, a last checkpoint is written.
    stopSignal: 'SIGINT',
    stopTimeoutMs: 30_000,
    killMode: 'process',
  }),
  values: ({ site, address, paths }) => {
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
            { socketFolder: null, hbaFile: null, logDestination: 'syslog' }
          : { socketFolder: '', hbaFile: `${paths.postgresConfig}/pg_hba.conf`, logDestination: 'stderr' }),
      },
    };
  },
  files: ({ site, paths }, { rendered }) => {
    const { config, postgresConfig, postgresSettings, keeperSettings } = paths;
    return [
      rendered(postgresSettings, 'postgres.conf.hbs', { owner }),
      rendered(keeperSettings, 'keeper.conf.hbs', { owner, initialOnly: true }),
      rendered(join(postgresConfig, 'pg_hba.conf'), 'pg_hba.conf.hbs', { mode: 0o640, owner }),
      rendered(join(postgresConfig, 'replication.pgpass'), 'replication.pgpass.hbs', { mode: 0o600, owner }),
      site.supervisor === 'systemd'
        ? rendered('roles.sql', 'roles.sql.hbs', { mode: 0o600, staged: true })
        : rendered(join(config, 'roles.sql'), 'roles.sql.hbs', { mode: 0o600 }),
    ];
  },
  variables: ({ site, box }) => variablesOf(site, box),
});

function variablesOf(site: Site, box: Box): Record<string, string> {
  const { topology } = site;
  const others = boxesWith(topology, 'pg').filter(({ name }) => name !== box.name);
  const primary = firstPrimaryOf(topology);
  return {
    POSTGRES_MAJOR: String(site.binaries.postgresMajor),
    POSTGRES_PORT: String(portOf(site, 'postgres')),
    PG_OTHERS: others.map((other) => `${other.name}=${addressOf(site, other)}`).join(' '),
    IS_FIRST_PRIMARY: String(box.name === primary.name),
    PRIMARY: primary.name,
    PRIMARY_ADDRESS: addressOf(site, primary),
    SLOT: slotName(box.name),
    KEEPER_SETTINGS: site.pathsOf(box).keeperSettings,
  };
}
