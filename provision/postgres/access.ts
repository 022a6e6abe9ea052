import { addressOf, type Site } from '../site/site.js';
import { boxesWith, type ServiceName } from '../topology/topology.js';

/** One line of pg_hba.conf. */
export interface AccessRule {
  readonly type: 'local' | 'host';
  readonly database: string;
  readonly user: string;
  /** A network; empty for the local socket. */
  readonly address: string;
  readonly method: 'peer' | 'scram-sha-256';
}

const roles: readonly { database: string; user: string; from: ServiceName }[] = [
  { database: 'postgres', user: 'hotspare_agent', from: 'pg' },
  { database: 'replication', user: 'hotspare_replication', from: 'pg' },
  { database: 'todo', user: 'todo_app', from: 'todomvc' },
  { database: 'todo', user: 'todo_migrate', from: 'todomvc' },
];

/** Who may log in at a member, from where. What is not here is refused. */
export function accessOf(site: Site): AccessRule[] {
  const host = (database: string, user: string, address: string): AccessRule => ({
    type: 'host',
    database,
    user,
    address,
    method: 'scram-sha-256',
  });
  if (site.kind === 'lab') {
    const superuser = { database: 'all', user: 'postgres' };
    return [superuser, ...roles].map(({ database, user }) => host(database, user, site.clientNetwork));
  }
  return [
    { type: 'local', database: 'all', user: 'postgres', address: '', method: 'peer' },
    ...roles.flatMap(({ database, user, from }) =>
      boxesWith(site.topology, from).map((box) => host(database, user, `${addressOf(site, box)}/32`)),
    ),
  ];
}
