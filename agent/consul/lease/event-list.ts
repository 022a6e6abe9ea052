import type { FailoverEvent } from '../../../common/failover/shapes.js';
import type { KeyValue } from '../../../common/failover/snapshot.js';
import { eventFormat } from '../../../common/failover/values.js';
import type { Listed } from '../../lease-port.js';

/** What Consul has below the prefix, oldest first. */
export function readEvents(prefix: string, found: readonly KeyValue[]): Listed {
  const events: FailoverEvent[] = [];
  const unreadable: { key: string; why: string }[] = [];
  for (const { key, text } of [...found].sort((a, b) => (a.key < b.key ? -1 : 1))) {
    const parsed = eventFormat.parse(text);
    if (parsed.kind === 'unreadable') unreadable.push({ key, why: parsed.why });
    else if (key !== prefix + parsed.value.id)
      unreadable.push({ key, why: 'event.id: another than its key' });
    else events.push(parsed.value);
  }
  return { events, unreadable };
}

const maxText = 4_000;

/** What was seen may be of any length and have line ends in it. */
export function withinLimits(event: FailoverEvent): FailoverEvent {
  const within = (text: string) => text.replace(/[\0-\x1f]+/g, ' ').slice(0, maxText);
  const { evidence, changed } = event;
  return {
    ...event,
    cause: within(event.cause),
    ...(evidence !== undefined && { evidence: within(evidence) }),
    ...(changed !== undefined && { changed: within(changed) }),
  };
}
