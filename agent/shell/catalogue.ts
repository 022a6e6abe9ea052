import { assertNever } from '../../common/assert-never.js';
import { backoffMs } from '../../common/backoff.js';
import type { Clock, Timer } from '../../common/clock.js';
import type { Random } from '../../common/random.js';
import type { Log } from '../../common/runtime/log.js';
import type { Action, CatalogueEntry, CatalogueView } from '../core/model.js';
import { isAnswer, outcomeOf, type Attempt } from '../core/publish/attempt.js';
import { ConsulError, type ConsulPort } from '../ports.js';
import { Held } from './held.js';

/** How often the local Consul agent's own list is read though nothing is amiss, in ms. */
const readIntervalMs = 5_000;
const retry = { baseMs: 100, maxMs: 2_000 };
/** Between attempts at a list that Consul says no to, in ms; `settlingMs` while it has just come back. */
const refusal = { settlingMs: 500, pauseMs: 10_000 };
/**
 * A Consul that was away first has to find its leader and to read its tokens again; meanwhile it refuses good ones, too.
 * For so long, in ms, its no is asked again soon and is nothing to complain of.
 */
const settleMs = 10_000;

export type Link =
  | { readonly kind: 'unread'; readonly sinceMs: number }
  | { readonly kind: 'reachable'; readonly sinceMs: number }
  | { readonly kind: 'unreachable'; readonly sinceMs: number; readonly why: string };

export interface CatalogueOptions {
  readonly consul: ConsulPort;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** What is known has changed: time to decide again. */
  readonly onChange: () => void;
}

/**
 * What this box's Consul agent holds, as far as is known: read regularly, kept in step by our own writes, and forgotten
 * the moment a call fails, so that after an outage everything is compared anew.
 */
export class Catalogue {
  private readonly held = new Held();
  private state: Link;
  /** Why the list itself was refused, while it is. */
  private listRefused: string | undefined;
  /** Consul was away until a moment before that, monotonic ms. */
  private settledMs = -Infinity;
  private failures = 0;
  private reading = false;
  private readMs: number;
  private timer: Timer | undefined;
  private stopped = false;

  constructor(private readonly options: CatalogueOptions) {
    this.state = { kind: 'unread', sinceMs: options.clock.wallMs() };
    this.readMs = options.clock.nowMs();
    options.consul.onNewToken(() => this.listRefused === undefined || this.schedule(0));
  }

  /** When Consul last answered, or did not within the deadline; it is asked at least every `everyMs`. */
  get progress(): { readonly progressMs: number; readonly everyMs: number } {
    return { progressMs: this.readMs, everyMs: refusal.pauseMs };
  }

  get link(): Link {
    return this.state;
  }

  /** A sentence when this box's Consul agent cannot be read. */
  get complaint(): string | undefined {
    return this.state.kind === 'unreachable' ? this.state.why : this.listRefused;
  }

  /** It came back a moment ago. */
  get isSettling(): boolean {
    return this.options.clock.nowMs() < this.settledMs;
  }

  start(): void {
    void this.read();
  }

  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
  }

  all(): readonly CatalogueEntry[] {
    return this.held.all();
  }

  view(id: string): CatalogueView {
    return this.held.view(id);
  }

  /** Performs one action, and says how it ended. */
  async perform(action: Action): Promise<Attempt> {
    const { clock } = this.options;
    const askedMs = clock.nowMs();
    const trouble = await troubleOf(() => this.ask(action));
    if (!trouble) {
      this.held.wrote(action, askedMs, clock.nowMs());
      return { action, askedMs, outcome: { kind: 'done' } };
    }
    this.held.forget(trouble.kind, clock.nowMs());
    if (isAnswer(trouble.kind)) this.schedule(0);
    else this.lost(trouble);
    return { action, askedMs, outcome: outcomeOf(trouble.kind, trouble.message) };
  }

  private ask(action: Action): Promise<void> {
    const { consul } = this.options;
    switch (action.kind) {
      case 'register':
        return consul.register(action.registration);
      case 'update-check':
        return consul.updateCheck(action.id, action.status, action.text);
      case 'deregister':
        return consul.deregister(action.id);
      default:
        return assertNever(action);
    }
  }

  private lost({ kind, message }: ConsulError): void {
    const { clock, log, random } = this.options;
    this.held.forget(kind, clock.nowMs());
    if (this.state.kind !== 'unreachable') {
      this.state = { kind: 'unreachable', sinceMs: clock.wallMs(), why: message };
      log.warn(`${message}; probing goes on, and what was last published stands`);
    } else {
      this.state = { ...this.state, why: message };
    }
    this.schedule(backoffMs(this.failures++, retry, random));
  }

  private schedule(delayMs: number): void {
    if (this.stopped) return;
    this.timer?.cancel();
    this.timer = this.options.clock.after(delayMs, () => void this.read());
  }

  private async read(): Promise<void> {
    if (this.reading) return;
    this.reading = true;
    const { clock, consul } = this.options;
    const askedMs = clock.nowMs();
    let found: readonly CatalogueEntry[] = [];
    const trouble = await troubleOf(async () => void (found = await consul.services()));
    this.reading = false;
    this.readMs = clock.nowMs();
    if (!trouble) this.found(found, askedMs);
    else if (isAnswer(trouble.kind)) this.refused(trouble);
    else this.lost(trouble);
  }

  /** It answered: what it holds is not known, but it is there. */
  private refused({ kind, message }: ConsulError): void {
    const { clock, log } = this.options;
    this.reached();
    this.held.forget(kind, clock.nowMs());
    if (this.isSettling) return this.schedule(refusal.settlingMs);
    if (this.listRefused !== message) log.warn(message);
    this.listRefused = message;
    this.schedule(refusal.pauseMs);
  }

  private found(found: readonly CatalogueEntry[], askedMs: number): void {
    this.listRefused = undefined;
    this.held.read(found, askedMs);
    this.reached();
    this.schedule(this.held.isComplete ? readIntervalMs : 0);
    this.options.onChange();
  }

  private reached(): void {
    this.failures = 0;
    if (this.state.kind === 'reachable') return;
    const { clock, log } = this.options;
    if (this.state.kind === 'unreachable') {
      log.info('Consul is reachable again; comparing what it holds');
      this.settledMs = clock.nowMs() + settleMs;
    }
    this.state = { kind: 'reachable', sinceMs: clock.wallMs() };
  }
}

/** Only what the port says is trouble with Consul: anything else is a fault of ours, and not to be taken for it. */
async function troubleOf(work: () => Promise<void>): Promise<ConsulError | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof ConsulError) return error;
    throw error;
  }
}
