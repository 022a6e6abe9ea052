import type pg from 'pg';
import type { Target } from '../../../../common/names.js';
import { withOptions } from '../options.js';
import { QuietClient } from './quiet-client.js';
import type { SharedPasswords } from './shared-passwords.js';
import { place, sslForName } from '../ssl.js';

/** Keys that shape what an app does on its sessions. All others, known today or not, are a log-in's, and so a monitor's. */
const ofTheAppAlone = [
  'Client',
  'Promise',
  'binary',
  'connectionTimeoutMillis',
  'onConnect',
  'pipeline',
  'types',
  'verify',
] as const;

/** The same for those that a URL may set as well. */
const parameters = {
  application_name: 'hotspare-monitor',
  fallback_application_name: undefined,
  idle_in_transaction_session_timeout: undefined,
  lock_timeout: undefined,
  query_timeout: 0,
  replication: undefined,
  statement_timeout: undefined,
};

/** A client for a monitor that logs in at `target` as a session with these options would, not yet connected. */
export function monitorClient(
  options: pg.PoolConfig,
  target: Target,
  passwords: SharedPasswords,
): QuietClient {
  const left = Object.fromEntries(ofTheAppAlone.map((key) => [key, undefined]));
  const client = new QuietClient(withOptions(options, left));
  Object.assign(client.connectionParameters, parameters);
  client.connection.ssl = sslForName(client.connection.ssl, client.host);
  const { password } = client;
  if (typeof password === 'function') client.password = passwords.of(password);
  place(client, target);
  return client;
}
