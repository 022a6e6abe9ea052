import { parseCheckStatus, parseMeta, parseTags } from '../../common/consul/json.js';
import { number, record, text } from '../../common/text/json.js';
import type { CatalogueEntry } from '../core/model.js';

/** Consul's JSON as the agent's own values. Each throws a TypeError on anything that is not Consul's. */

/** The bodies of `/v1/agent/services` and `/v1/agent/checks`. */
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
      tags: parseTags(service['Tags']),
      meta: parseMeta(service['Meta']),
      check: check && {
        status: parseCheckStatus(check['Status']),
        text: text(check['Output']),
        refreshedMs: undefined,
      },
    };
  });
}
