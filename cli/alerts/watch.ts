import { sleep, type Clock } from '../../common/clock.js';
import type { Random } from '../../common/random.js';
import {
  alertsIn,
  nextAlerts,
  noAlerts,
  readAll,
  summarize,
  type AlertState,
  type ReadOptions,
} from '../../status/index.js';
import type { Io } from '../io.js';
import { Queue, type Outlet } from './outlet.js';
import { lineOf } from './outlets.js';

export interface AlertsOptions {
  readonly reading: ReadOptions;
  readonly outlets: readonly Outlet[];
  readonly output: 'text' | 'json';
  readonly everyMs: number;
  readonly maxLagBytes: number;
  readonly clock: Clock;
  readonly random: Random;
}

/** Looks again and again, and tells each cause once, and when it is over; until SIGTERM or Ctrl-C. Exit code 0. */
export async function watchAlerts(options: AlertsOptions, io: Io): Promise<number> {
  const { clock, everyMs, maxLagBytes, output, outlets, random, reading } = options;
  const queues = outlets.map(
    (outlet) =>
      new Queue({ outlet, clock, random, onTrouble: (text) => io.err(`hotspare alerts: ${text}\n`) }),
  );
  const delivering = Promise.all(queues.map((queue) => queue.run(io.stop)));
  let state: AlertState = noAlerts;
  while (!io.stop.aborted) {
    const nowMs = clock.wallMs();
    const summary = summarize(await readAll(reading), { maxLagBytes, nowMs });
    const found = nextAlerts(state, { service: reading.service, alerts: alertsIn(summary), nowMs });
    ({ state } = found);
    for (const message of found.messages) {
      io.out(output === 'json' ? `${JSON.stringify(message)}\n` : `${lineOf(message)}\n`);
      for (const queue of queues) queue.add(message);
    }
    await sleep(clock, everyMs, { signal: io.stop }).catch(() => {});
  }
  await delivering;
  return 0;
}
