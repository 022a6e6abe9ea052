import type { CatalogueEntry, CheckStatus } from '../core/model.js';
import type { Instance } from '../ports.js';

/** Consul's JSON as the agent's own values. Each throws a TypeError on anything that is not Consul's. */

export function parseEntries(services: unknown, checks: unknown): CatalogueEntry[] {
  const checkList = Object.values(record(checks)).map(record);
  return Object.values(record(services)).map((value) => {
    const service = record(value);
    const id = text(service['ID']);
    const check = checkList.find((candidate) => candidate['CheckID'] === `service:${id}`);
    return {
      id,
      name: text(service['Service']),
      address: text(service['Address']),
      port: number(service['Port']),
      tags: texts(service['Tags']),
      meta: meta(service['Meta']),
      check: check && {
        status: status(check['Status']),
        text: text(check['Output']),
        refreshedMs: undefined,
      },
    };
  });
}

/** The body of `/v1/health/service/:name`. An instance without an address of its own has its node's. */
export function parseInstances(body: unknown): Instance[] {
  if (!Array.isArray(body)) throw new TypeError('not a list');
  return body.map((item) => {
    const service = record(record(item)['Service']);
    const node = record(record(item)['Node']);
    return {
      node: text(node['Node']),
      id: text(service['ID']),
      address: text(service['Address']) || text(node['Address']),
      port: number(service['Port']),
      tags: texts(service['Tags']),
      meta: meta(service['Meta']),
    };
  });
}

function record(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TypeError('not an object');
  return value as Record<string, unknown>;
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('not a text');
  return value;
}

function number(value: unknown): number {
  if (typeof value !== 'number') throw new TypeError('not a number');
  return value;
}

function texts(value: unknown): string[] {
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value)) throw new TypeError('not a list');
  return value.map(text);
}

function meta(value: unknown): Record<string, string> {
  if (value === null || value === undefined) return {};
  return Object.fromEntries(Object.entries(record(value)).map(([key, item]) => [key, text(item)]));
}

function status(value: unknown): CheckStatus {
  if (value === 'passing' || value === 'warning' || value === 'critical') return value;
  throw new TypeError('not a check status');
}
