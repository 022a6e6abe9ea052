import type { Clock } from '../common/clock.js';
import { sleep } from '../common/clock.js';
import type { Log } from '../common/runtime/log.js';
import { drainPhase, type DrainSettings } from './core/drain.js';
import type { Database } from './database.js';
import { defaultBodyLimits, type BodyLimits } from './http/body.js';
import { defaultEventSettings, EventStreams, type EventSettings } from './http/events.js';
import { listen } from './http/server.js';
import { loadStaticFiles } from './http/static.js';

export interface AppOptions {
  readonly host: string;
  readonly port: number;
  readonly box: string;
  readonly drain: DrainSettings;
  readonly database: Database;
  readonly newId: () => string;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: Partial<BodyLimits>;
  readonly events?: Partial<EventSettings>;
  /** Default 10,000 ms. */
  readonly databaseDeadlineMs?: number;
}

export interface App {
  readonly port: number;
  /** Leaves without a failed request; resolves when the last connection is closed. The database stays open. */
  drain(): Promise<void>;
}

/** Requests in flight get at least this long after the listener is closed. */
const leastGraceMs = 1_000;

/** The app on one port: page, API, events, health. */
export async function startApp(options: AppOptions): Promise<App> {
  const { box, database, clock, log } = options;
  const settings = { ...defaultEventSettings, ...options.events };
  const events = new EventStreams(clock, settings, box, () => database.readToken());
  database.onMode((report) => events.tellMode(report));
  database.onChange(() => events.tellChange());
  let draining = false;
  const server = await listen(options, {
    box,
    database,
    events,
    files: loadStaticFiles(),
    limits: { ...defaultBodyLimits, ...options.limits },
    databaseDeadlineMs: options.databaseDeadlineMs ?? 10_000,
    newId: options.newId,
    clock,
    log,
    draining: () => draining,
  });

  async function drain(): Promise<void> {
    draining = true;
    const startedMs = clock.nowMs();
    for (;;) {
      const seen = { nowMs: clock.nowMs(), startedMs, lastRequestMs: server.lastRequestMs() };
      const step = drainPhase(seen, options.drain);
      if (step.phase !== 'serving') events.end();
      if (step.phase === 'closing') {
        log.info({ afterMs: Math.round(seen.nowMs - startedMs), reason: step.reason }, 'closing');
        break;
      }
      await sleep(clock, step.againInMs);
    }
    await server.close(Math.max(leastGraceMs, options.drain.maxMs - (clock.nowMs() - startedMs)));
  }
  return { port: server.port, drain };
}
