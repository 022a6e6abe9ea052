import { assertNever } from '../../common/assert-never.js';
import { backoffMs } from '../../common/backoff.js';
import type { Clock, Timer } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import type { Random } from '../../common/random.js';
import type { Log } from '../../common/runtime/log.js';
import type { Action, CatalogueEntry, CatalogueView } from '../core/model.js';
import { ConsulError, type ConsulPort } from '../ports.js';

/** How often the local Consul agent's own list is read though nothing is amiss, in ms. */
const readIntervalMs = 5_000;
const retry = { baseMs: 100, maxMs: 2_000 };
/** Between attempts at something Consul said no to, in ms. */
const refusal = { baseMs: 500, maxMs: 10_000 };
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
  private entries: ReadonlyMap<string, CatalogueEntry> | undefined;
  private state: Link;
  /** Per service id: how often in a row Consul said no, why, and until when it is not asked again (monotonic ms). */
  private readonly refusals = new Map<
    string,
    { count: number; untilMs: number; why: string; told: boolean }
  >();
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
  }

  /** When Consul last answered, or did not within the deadline; it is asked at least every `everyMs`. */
  get progress(): { readonly progressMs: number; readonly everyMs: number } {
    return { progressMs: this.readMs, everyMs: refusal.maxMs };
  }

  get link(): Link {
    return this.state;
  }

  /** A sentence when something is wrong between this agent and Consul. */
  get complaint(): string | undefined {
    if (this.state.kind === 'unreachable') return this.state.why;
    if (this.listRefused !== undefined) return this.listRefused;
    return [...this.refusals.values()].find(({ told }) => told)?.why;
  }

  private get settling(): boolean {
    return this.options.clock.nowMs() < this.settledMs;
  }

  start(): void {
    this.options.consul.onNewToken(() => this.retryRefused());
    void this.read();
  }

  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
  }

  all(): readonly CatalogueEntry[] {
    return [...(this.entries?.values() ?? [])];
  }

  view(id: string): CatalogueView {
    const refused = this.refusals.get(id);
    if (!this.entries || (refused && this.options.clock.nowMs() < refused.untilMs)) return { kind: 'unread' };
    const entry = this.entries.get(id);
    return entry ? { kind: 'present', entry } : { kind: 'absent' };
  }

  /** Performs one action; false when it failed. */
  async perform(action: Action): Promise<boolean> {
    const { consul, clock } = this.options;
    const id = action.kind === 'register' ? action.registration.id : action.id;
    const sentMs = clock.nowMs();
    try {
      switch (action.kind) {
        case 'register':
          await consul.register(action.registration);
          break;
        case 'update-check':
          await consul.updateCheck(id, action.status, action.text);
          break;
        case 'deregister':
          await consul.deregister(id);
          break;
        default:
          assertNever(action);
      }
    } catch (error) {
      this.failed(id, error);
      return false;
    }
    if (action.kind === 'update-check') this.refusals.delete(id);
    this.note(action, id, sentMs);
    return true;
  }

  private note(action: Action, id: string, sentMs: number): void {
    if (!this.entries) return;
    const next = new Map(this.entries);
    const before = next.get(id);
    switch (action.kind) {
      case 'register': {
        const { checkTtlMs: _, initialStatus, ...entry } = action.registration;
        const check = before?.check ?? { status: initialStatus, text: '', refreshedMs: sentMs };
        next.set(id, { ...entry, check });
        break;
      }
      case 'update-check':
        if (before)
          next.set(id, {
            ...before,
            check: { status: action.status, text: action.text, refreshedMs: sentMs },
          });
        break;
      case 'deregister':
        next.delete(id);
        break;
    }
    this.entries = next;
  }

  private failed(id: string, error: unknown): void {
    const { clock, log, random } = this.options;
    const why = messageOf(error);
    if (error instanceof ConsulError && error.kind === 'unreachable') return this.lost(error);
    const before = this.refusals.get(id);
    const count = (before?.count ?? 0) + 1;
    // The first no is often "I do not know that check": what Consul holds is read again, and all is mended at once.
    const pauseMs = this.settling ? refusal.baseMs : backoffMs(count - 2, refusal, random);
    const untilMs = count === 1 ? -Infinity : clock.nowMs() + pauseMs;
    const news = !before?.told || before.why !== why;
    const told = count > 1 && !this.settling;
    this.refusals.set(id, { count, untilMs, why, told });
    if (told && news) log.warn({ service: id }, why);
    this.entries = undefined;
    this.schedule(count === 1 ? 0 : retry.baseMs);
  }

  /** What was refused is tried now, and not when its pause is over. */
  private retryRefused(): void {
    if (this.listRefused === undefined && this.refusals.size === 0) return;
    for (const refused of this.refusals.values()) refused.untilMs = -Infinity;
    this.schedule(0);
  }

  private lost(error: ConsulError): void {
    const { clock, log, random } = this.options;
    this.entries = undefined;
    if (this.state.kind !== 'unreachable') {
      this.state = { kind: 'unreachable', sinceMs: clock.wallMs(), why: error.message };
      log.warn(`${error.message}; probing goes on, and what was last published stands`);
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
    try {
      const found = await this.options.consul.services();
      this.found(found);
    } catch (error) {
      if (error instanceof ConsulError && error.kind !== 'unreachable') {
        // It answered: what it holds is not known, but it is there.
        this.reached();
        this.entries = undefined;
        if (this.settling) {
          this.schedule(refusal.baseMs);
        } else {
          if (this.listRefused !== error.message) this.options.log.warn(error.message);
          this.listRefused = error.message;
          this.schedule(refusal.maxMs);
        }
      } else {
        this.lost(error instanceof ConsulError ? error : new ConsulError('unreachable', messageOf(error)));
      }
    } finally {
      this.reading = false;
      this.readMs = this.options.clock.nowMs();
    }
  }

  private found(found: readonly CatalogueEntry[]): void {
    const before = this.entries;
    this.listRefused = undefined;
    this.entries = new Map(found.map((entry) => [entry.id, withRefreshed(entry, before?.get(entry.id))]));
    this.reached();
    this.schedule(readIntervalMs);
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

/** A list does not tell when a check was refreshed; what we know of that stays. */
function withRefreshed(entry: CatalogueEntry, before: CatalogueEntry | undefined): CatalogueEntry {
  if (!entry.check || !before?.check) return entry;
  return { ...entry, check: { ...entry.check, refreshedMs: before.check.refreshedMs } };
}
