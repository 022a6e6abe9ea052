import { parseHealth } from '../../common/consul/json.js';
import { publishedHistory, type PublishedHistory } from '../../common/failover/published-history.js';
import { serviceMeta, targetKey, type Role, type Target } from '../../common/names.js';
import { tagsOf } from '../../common/role-tags.js';
import type { Lookup } from '../core/model.js';

export type Listing = Readonly<Record<Role, Lookup>>;

/**
 * Who plays what, from the body of `/v1/health/service/NAME`; whoever has a critical check plays nothing, as in DNS. Null
 * when nobody at all is listed: Consul shows the same list to a token that may not see the service.
 */
export function listing(body: unknown): Listing | null {
  const entries = parseHealth(body);
  if (entries.length === 0) return null;
  const serving = entries.filter(({ checks }) => checks.every(({ status }) => status !== 'critical'));
  const lookup = (role: Role): Lookup => {
    const targets = new Map<string, Target>();
    const systems: Record<string, string> = {};
    const histories: Record<string, PublishedHistory> = {};
    for (const { address, port, tags, meta } of serving) {
      const target = { host: address, port };
      if (port <= 0 || address === '' || !tags.some((tag) => tagsOf[role].includes(tag))) continue;
      const key = targetKey(target);
      targets.set(key, target);
      if (meta[serviceMeta.system]) systems[key] = meta[serviceMeta.system]!;
      const history = publishedHistory(meta);
      if (history) histories[key] = history;
    }
    const sorted = [...targets.keys()].sort().map((key) => targets.get(key)!);
    if (sorted.length === 0) return { kind: 'empty' };
    return {
      kind: 'found',
      targets: sorted,
      ...(Object.keys(systems).length > 0 && { systems }),
      ...(Object.keys(histories).length > 0 && { histories }),
    };
  };
  return { primary: lookup('primary'), replica: lookup('replica') };
}

/**
 * The datacenter that a DNS domain names, null for Consul's own; undefined when it cannot be told, because the domain has
 * several labels of which we do not know what they are.
 */
export function datacenterOf(domain: string): string | null | undefined {
  const labels = domain.toLowerCase().split('.');
  if (labels.length === 1) return null;
  return labels.length === 2 && labels[1] === 'consul' ? labels[0] : undefined;
}
