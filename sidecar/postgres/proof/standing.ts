import type pg from 'pg';
import type { Role } from '../../../common/names.js';
import { codeOf, messageOf } from '../../../common/errors.js';
import { DownError } from '../../errors.js';
import { asText } from './heartbeat.js';

/** That new transactions only read, where nothing else is said. */
export const readingSetting = 'default_transaction_read_only';

/** What a session itself has to say of where it is. Whoever answers the start-up need not be the server: a pooler may. */
export interface Standing {
  readonly role: Role;
  /** Whether its transactions only read by default. */
  readonly reads: boolean;
}

/** As text, in whatever way the app reads its own rows. */
export const standingQuestion: pg.QueryConfig & { rowMode: 'array' } = {
  text: `SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('${readingSetting}')`,
  rowMode: 'array',
  types: asText,
};

export function readStanding(row: readonly unknown[] | undefined): Standing {
  return { role: row?.[0] === 't' ? 'replica' : 'primary', reads: row?.[1] === 'on' };
}

/** A session that was opened to read, on a primary, and that would write. */
export const wouldWrite = (where: string): DownError =>
  new DownError(
    `${where} is a primary, and this session would not only read there: a pooler or proxy has dropped ${readingSetting}=on; connect to the servers without it, or read with pool instead of pool.read`,
  );

/** PgBouncer, and RDS Proxy. */
const refusals: Readonly<Record<string, RegExp>> = {
  '08P01': /startup parameter/i,
  '0A000': /command-line option|the option/i,
};

/** What a pooler says that takes no start-up options; null: it is something else. */
export function optionRefused(where: string, error: unknown): DownError | null {
  if (!refusals[codeOf(error) ?? '']?.test(messageOf(error))) return null;
  return new DownError(
    `the pooler or proxy at ${where} does not take the start-up option ${readingSetting}=on: ${messageOf(error)}; connect to the servers without it, read with pool instead of pool.read, or let the pooler ignore the option (PgBouncer: ignore_startup_parameters = options), which allows pool.read on replicas alone`,
    error,
  );
}
