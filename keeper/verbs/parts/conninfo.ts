import type { ReplicationConfig } from '../../config.js';

/** Values of the configuration and of orders hold neither quotes nor spaces; a standby's name may hold spaces. */
const part = (key: string, value: string) =>
  /^[\w/.:%+-]+$/.test(value) ? `${key}=${value}` : `${key}='${value}'`;

/** For primary_conninfo, pg_rewind and pg_basebackup; without an `applicationName` Postgres' programs use their own. */
export function conninfo(
  replication: ReplicationConfig,
  to: { readonly host: string; readonly port: number },
  applicationName?: string,
): string {
  return [
    part('host', to.host),
    part('port', String(to.port)),
    part('user', replication.user),
    ...(replication.passfile ? [part('passfile', replication.passfile)] : []),
    part('sslmode', replication.sslmode),
    part('connect_timeout', '5'),
    ...(applicationName === undefined ? [] : [part('application_name', applicationName)]),
  ].join(' ');
}

/** The same under the name of this incarnation (R5). */
export function withOwnName(text: string, applicationName: string): string {
  return text.replace(/application_name=('[^']*'|\S+)/, part('application_name', applicationName));
}

/** The keeper touches no slot of another name; orders name slots without it. */
export const slotPrefix = 'hotspare_';
