import { programs } from '../services/index.js';
import { addressOf, type Site } from '../site/site.js';

/** One line of pg_hba.conf. */
export interface AccessRule {
  readonly type: 'local' | 'host';
  readonly database: string;
  readonly user: string;
  /** A network; empty for the local socket. */
  readonly address: string;
  readonly method: 'peer' | 'peer map=keeper' | 'scram-sha-256';
}

/** Who may log in at a member, from where. What is not here is refused. */
export function accessOf(site: Site): AccessRule[] {
  const host = (database: string, user: string, address: string): AccessRule => ({
    type: 'host',
    database,
    user,
    address,
    method: 'scram-sha-256',
  });
  const logins = programs.flatMap(({ logins = [], isOn }) => logins.map((login) => ({ ...login, isOn })));
  if (site.loopback === 'shared') {
    const superuser = { database: 'all', user: 'postgres' };
    return [
      { type: 'local', ...superuser, address: '', method: 'peer map=keeper' },
      ...[superuser, ...logins].map(({ database, user }) => host(database, user, site.clientNetwork)),
    ];
  }
  return [
    { type: 'local', database: 'all', user: 'postgres', address: '', method: 'peer' },
    ...logins.flatMap(({ database, user, isOn }) =>
      site.topology.boxes
        .filter((box) => isOn(site, box))
        .map((box) => host(database, user, `${addressOf(site, box)}/32`)),
    ),
  ];
}
