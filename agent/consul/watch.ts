import { backoffMs } from '../../common/backoff.js';
import { sleep, type Clock } from '../../common/clock.js';
import { parseHealth, type HealthEntry } from '../../common/consul/json.js';
import { nextIndex } from '../../common/consul/next-index.js';
import type { Random } from '../../common/random.js';
import { ConsulError, type ServiceWatcher } from '../ports.js';
import type { ConsulAnswer } from './adapter.js';

/** At most one question in so many ms, however often the index moves. */
const minGapMs = 100;
const retry = { baseMs: 100, maxMs: 5_000 };

interface Watch {
  readonly url: string;
  readonly service: string;
  readonly watcher: ServiceWatcher;
  readonly signal: AbortSignal;
  /** How long Consul holds back an answer while nothing changes. */
  readonly waitMs: number;
  readonly clock: Clock;
  readonly random: Random;
  ask(index: string, signal: AbortSignal): Promise<ConsulAnswer>;
}

/**
 * A blocking query, asked again and again until the signal fires. The npm package's own `watch` has no rate limit and
 * mistakes an exception of its listener for one of Consul's, hence this one.
 */
export async function watchService(watch: Watch): Promise<void> {
  const { watcher, signal, clock, random } = watch;
  let index = '0';
  let failures = 0;
  while (!signal.aborted) {
    const askedMs = clock.nowMs();
    let pauseMs: number;
    try {
      const answer = await watch.ask(index, signal);
      const entries = entriesOf(answer.body, watch);
      const next = nextIndex(index, answer.headers['x-consul-index']);
      // A question that comes back unchanged before its time was cut off by the restoring of a snapshot: what is there now
      // counts from a lower index, and asked with this one Consul would hold it back. (It does not cut off every one.)
      const isCutOff = next === index && clock.nowMs() - askedMs < watch.waitMs * 0.9;
      index = isCutOff ? '0' : next;
      failures = 0;
      watcher.onEntries(entries);
      pauseMs = Math.max(0, minGapMs - (clock.nowMs() - askedMs));
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ConsulError)) throw error;
      if (failures === 0) watcher.onUnavailable(error);
      pauseMs = backoffMs(failures++, retry, random);
      // Whoever comes back may count from another start.
      index = '0';
    }
    if (pauseMs > 0) await sleep(clock, pauseMs, { signal }).catch(() => {});
  }
}

function entriesOf(body: unknown, watch: Watch): HealthEntry[] {
  try {
    return parseHealth(body);
  } catch (cause) {
    throw new ConsulError('unreachable', `what answers at ${watch.url} for ${watch.service} is not Consul`, {
      cause,
    });
  }
}
