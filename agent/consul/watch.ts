import { backoffMs } from '../../common/backoff.js';
import { sleep, type Clock } from '../../common/clock.js';
import { nextIndex } from '../../common/consul/next-index.js';
import type { Random } from '../../common/random.js';
import { ConsulError, type Instance, type PassingWatcher } from '../ports.js';
import type { ConsulAnswer } from './adapter.js';
import { parseInstances } from './parse.js';

/** At most one question in so many ms, however often the index moves. */
const minGapMs = 100;
const retry = { baseMs: 100, maxMs: 5_000 };

interface Watch {
  readonly url: string;
  readonly service: string;
  readonly watcher: PassingWatcher;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly random: Random;
  ask(index: string, signal: AbortSignal): Promise<ConsulAnswer>;
}

/**
 * A blocking query, asked again and again until the signal fires. The npm package's own `watch` has no rate limit and
 * mistakes an exception of its listener for one of Consul's, hence this one.
 */
export async function watchPassing(watch: Watch): Promise<void> {
  const { watcher, signal, clock, random } = watch;
  let index = '0';
  let failures = 0;
  while (!signal.aborted) {
    const askedMs = clock.nowMs();
    let pauseMs: number;
    try {
      const answer = await watch.ask(index, signal);
      const instances = instancesOf(answer.body, watch);
      index = nextIndex(index, answer.headers['x-consul-index']);
      failures = 0;
      watcher.onInstances(instances);
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

function instancesOf(body: unknown, watch: Watch): Instance[] {
  try {
    return parseInstances(body);
  } catch (cause) {
    throw new ConsulError('unreachable', `what answers at ${watch.url} for ${watch.service} is not Consul`, {
      cause,
    });
  }
}
