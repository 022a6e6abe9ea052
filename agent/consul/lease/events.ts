import { backoffMs } from '../../../common/backoff.js';
import { sleep, type Clock } from '../../../common/clock.js';
import { ConsulWatch } from '../../../common/consul/watch.js';
import { failoverKeys } from '../../../common/failover/keys.js';
import type { FailoverEvent } from '../../../common/failover/shapes.js';
import { eventFormat } from '../../../common/failover/values.js';
import { list, text } from '../../../common/text/json.js';
import type { Random } from '../../../common/random.js';
import type { Answered, EventsFollower, EventsPort, Listed } from '../../lease-port.js';
import type { LeaseClient } from './client.js';
import { readEvents, withinLimits } from './event-list.js';
import { toJson, type Operation } from './operations.js';
import { parseKeyValue, parseReply } from './replies.js';

/** So many events of a service are kept, in Consul and of those that wait for it; the oldest go first. */
export const maxEvents = 200;
/** Events of one transaction: together with what they replace below the 64 operations that Consul takes. */
const batch = 20;
const retry = { baseMs: 200, maxMs: 5_000 };

export interface EventsStoreOptions {
  readonly service: string;
  readonly client: LeaseClient;
  /** Bound of each call, in ms. */
  readonly deadlineMs: number;
  /** How long Consul may hold back the answer to `follow` while nothing comes, in ms. Default 10000. */
  readonly watchWaitMs?: number;
  readonly clock: Clock;
  readonly random: Random;
}

export class EventsStore implements EventsPort {
  readonly #prefix: string;
  readonly #closed = new AbortController();
  readonly #waiting = new Set<() => void>();
  #queue: FailoverEvent[] = [];
  #newestMs = 0;
  #isWriting = false;

  constructor(private readonly options: EventsStoreOptions) {
    this.#prefix = failoverKeys(options.service).events;
  }

  get pending(): number {
    return this.#queue.length;
  }

  append(event: Omit<FailoverEvent, 'id' | 'atMs'>): FailoverEvent {
    const atMs = Math.round(this.options.clock.wallMs());
    this.#newestMs = Math.max(this.#newestMs + 1, atMs);
    const id = `${String(this.#newestMs).padStart(15, '0')}-${event.member}`;
    const complete = withinLimits({ id, atMs, ...event });
    // Here, where whoever wrote a wrong one is still on the stack.
    eventFormat.print(complete);
    this.#queue = [...this.#queue, complete].slice(-maxEvents);
    if (!this.#isWriting) void this.#writeAll();
    return complete;
  }

  async flushed(signal: AbortSignal): Promise<void> {
    if (this.pending === 0 || signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#waiting.add(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  async list(signal?: AbortSignal): Promise<Answered<Listed>> {
    const got = await this.options.client.list(
      { path: `kv/${this.#prefix}`, query: { recurse: '', consistent: '' } },
      this.#guard,
      {
        ...this.#undertaking,
        signal,
        parse: ({ body }) => readEvents(this.#prefix, list(body).map(parseKeyValue)),
      },
    );
    return got.kind === 'got' ? { kind: 'answered', ...got.value } : got;
  }

  async follow(follower: EventsFollower, signal: AbortSignal): Promise<void> {
    const { client, clock, random, deadlineMs, watchWaitMs = 10_000 } = this.options;
    let known = new Set<string>();
    let isOut = false;
    const watch = new ConsulWatch<Listed>({
      connection: client.listing(this.#guard),
      path: `kv/${this.#prefix}`,
      query: { recurse: '', consistent: '' },
      waitMs: watchWaitMs,
      deadlineMs,
      retry,
      clock,
      random,
      parse: (body) => readEvents(this.#prefix, list(body).map(parseKeyValue)),
      onAnswer: ({ events }) => {
        const fresh = events.filter(({ id }) => !known.has(id));
        known = new Set(events.map(({ id }) => id));
        if (fresh.length > 0 || isOut) follower.onEvents(fresh);
        isOut = false;
      },
      onFailure: (failure) => {
        if (!isOut) follower.onUnavailable(client.explain(failure, this.#undertaking));
        isOut = true;
      },
    });
    await watch.run(signal);
  }

  close(): void {
    this.#closed.abort();
  }

  async #writeAll(): Promise<void> {
    const { clock, random } = this.options;
    const { signal } = this.#closed;
    this.#isWriting = true;
    let failures = 0;
    while (this.#queue.length > 0 && !signal.aborted) {
      const written = await this.#writeSome(signal);
      this.#queue = this.#queue.filter((event) => !written.includes(event));
      failures = written.length > 0 ? 0 : failures + 1;
      // Whatever the reason is, the same may be sent again: an event is what it is.
      if (failures > 0)
        await sleep(clock, backoffMs(failures - 1, retry, random), { signal, ref: false }).catch(() => {});
    }
    this.#isWriting = false;
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  /** Those that are written now; none when Consul did not say so. */
  async #writeSome(signal: AbortSignal): Promise<readonly FailoverEvent[]> {
    const { client } = this.options;
    const there = await client.list({ path: `kv/${this.#prefix}`, query: { keys: '' } }, this.#guard, {
      ...this.#undertaking,
      signal,
      parse: ({ body }) => list(body).map(text).sort(),
    });
    if (there.kind !== 'got') return [];
    const events = this.#queue.slice(0, batch);
    const keys = events.map(({ id }) => `${this.#prefix}${id}`);
    const others = there.value.filter((key) => !keys.includes(key));
    this.#newestMs = Math.max(this.#newestMs, stampOf(this.#prefix, others.at(-1)));
    const tooMany = Math.max(0, others.length + events.length - maxEvents);
    const operations: Operation[] = [
      ...events.map((event, at): Operation => ({
        verb: 'set',
        key: keys[at]!,
        text: eventFormat.print(event),
      })),
      ...others.slice(0, Math.min(tooMany, 2 * batch)).map((key): Operation => ({ verb: 'delete', key })),
    ];
    const written = await client.put(
      { path: 'txn', body: toJson(operations, 0) },
      {
        ...this.#undertaking,
        signal,
        parse: ({ status, body }) => parseReply(status, body).kind === 'applied',
      },
    );
    return written.kind === 'got' && written.value ? events : [];
  }

  get #undertaking() {
    const { service } = this.options;
    return {
      what: `the history of ${service}`,
      right: `key_prefix:write for ${failoverKeys(service).prefix}`,
    };
  }

  get #guard(): string {
    return failoverKeys(this.options.service).leader;
  }
}

/** The time in a key, in ms; 0 where there is not one. */
function stampOf(prefix: string, key: string | undefined): number {
  return Number(/^(\d{15})-/.exec(key?.slice(prefix.length) ?? '')?.[1] ?? 0);
}
