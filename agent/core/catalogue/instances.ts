import { targetKey } from '../../../common/names.js';
import { plainText } from '../../../common/text/plain-text.js';

/** One instance of a service, as Consul lists it. Nothing in it is checked: whoever can register has written it. */
export interface Instance {
  readonly node: string;
  readonly id: string;
  readonly address: string;
  readonly port: number;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
}

/** The same instances give the same text, whatever order Consul lists them in. */
export function sorted(instances: readonly Instance[]): Instance[] {
  return [...instances].sort(
    (a, b) =>
      compare(a.node, b.node) || compare(a.address, b.address) || a.port - b.port || compare(a.id, b.id),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The same box's same service, whatever its address is now. */
export function identity({ node, id }: Pick<Instance, 'node' | 'id'>): string {
  return JSON.stringify([node, id]);
}

/** Like `todomvc@nginx1 on nginx1`, for a sentence. */
export function nameOf({ node, id }: Pick<Instance, 'node' | 'id'>): string {
  return plainText(`${id} on ${node}`);
}

/** What a rendering used: per question asked of the catalogue, the targets it got. */
export type Used = ReadonlyMap<string, readonly Instance[]>;

/** One line for the log: who came and who went since the rendering before, if there was one. */
export function describeChange(before: Used | undefined, after: Used): string {
  if (!before) {
    const parts = [...after].map(([question, list]) => `${question}: ${targets(list).join(', ') || 'none'}`);
    return parts.join('; ') || 'no service is used';
  }
  const parts = [...after].flatMap(([question, list]) => {
    const old = new Set(targets(before.get(question) ?? []));
    const now = new Set(targets(list));
    const added = [...now].filter((target) => !old.has(target));
    const removed = [...old].filter((target) => !now.has(target));
    return [
      ...(added.length > 0 ? [`${question}: added ${added.join(', ')}`] : []),
      ...(removed.length > 0 ? [`${question}: removed ${removed.join(', ')}`] : []),
    ];
  });
  return parts.join('; ') || 'same instances, other text';
}

function targets(instances: readonly Instance[]): string[] {
  return instances.map(({ address, port }) => targetKey({ host: address, port }));
}
