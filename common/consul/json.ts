import { list, number, record, text } from '../text/json.js';
import type { CheckStatus } from '../names.js';

/** What Consul's HTTP API answers, as values. Each throws a TypeError on anything that is not Consul's. */

/** One instance of a service, with the checks on it and on its node. */
export interface HealthEntry {
  readonly node: string;
  readonly id: string;
  /** Its own, or its node's when it has none. */
  readonly address: string;
  readonly port: number;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
  readonly checks: readonly HealthCheck[];
}

export interface HealthCheck {
  readonly id: string;
  readonly status: CheckStatus;
  readonly text: string;
}

/** The body of `/v1/health/service/:name`. */
export function parseHealth(body: unknown): HealthEntry[] {
  return list(body).map((item) => {
    const service = record(record(item)['Service']);
    const node = record(record(item)['Node']);
    return {
      node: text(node['Node']),
      id: text(service['ID']),
      address: text(service['Address']) || text(node['Address']),
      port: number(service['Port']),
      tags: parseTags(service['Tags']),
      meta: parseMeta(service['Meta']),
      checks: list(record(item)['Checks'] ?? []).map(parseCheck),
    };
  });
}

function parseCheck(value: unknown): HealthCheck {
  const check = record(value);
  const id = text(check['CheckID']);
  return {
    id,
    status: parseCheckStatus(check['Status']),
    text: isMaintenance(id) ? maintenanceText(check['Notes']) : text(check['Output']).trim(),
  };
}

/** The checks that Consul makes for `consul maint`. */
function isMaintenance(checkId: string): boolean {
  return checkId === '_node_maintenance' || checkId.startsWith('_service_maintenance:');
}

/** Consul keeps the reason in the notes, and its output empty. */
function maintenanceText(notes: unknown): string {
  const reason = typeof notes === 'string' ? notes.trim() : '';
  return reason === '' ? 'in maintenance' : `in maintenance: ${reason}`;
}

export function parseCheckStatus(value: unknown): CheckStatus {
  if (value === 'passing' || value === 'warning' || value === 'critical') return value;
  throw new TypeError('not a check status');
}

/** Consul writes no tags as null. */
export function parseTags(value: unknown): string[] {
  return list(value ?? []).map(text);
}

export function parseMeta(value: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(record(value ?? {})).map(([key, item]) => [key, text(item)]));
}
