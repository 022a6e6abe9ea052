import { assertNever } from '../../common/assert-never.js';
import type { Clock, Timer } from '../../common/clock.js';
import { sameTarget, type Role, type Target } from '../../common/names.js';
import type { Random } from '../../common/random.js';
import type { Lookup } from '../core/model.js';
import { mostFollowed } from '../core/members/seats.js';
import type {
  Directory,
  Discovery as DiscoveryPort,
  Known,
  LastKnownGood,
  News,
  Proposal,
  WakeUps,
} from '../ports.js';

export interface DiscoveryParts {
  readonly directory: Directory;
  readonly wakeUps: WakeUps | null;
  readonly cache: LastKnownGood | null;
  /** What answers of the directory are. */
  readonly source: 'dns' | 'static';
  readonly clock: Clock;
  readonly random: Random;
  readonly timings: {
    /** Between lookups when nothing happens. */
    readonly refreshMs: number;
    /** After a wake-up, lookups follow at these delays: a DNS answer may be a little older than the event. */
    readonly afterWakeMs: readonly number[];
    /** Between two lookups of one role, at least. */
    readonly minGapMs: number;
  };
}

const wakeUpsAfterMs = 25;
/** So long what is found waits for what is remembered, which says where we belong: a disk may hang. */
const memoryMs = 500;
const roles: readonly Role[] = ['primary', 'replica'];

/**
 * Keeps asking who is who: at once when woken or in trouble, else on its own timer. While the wake-ups bring the list
 * themselves, nobody is asked: with many processes on one box that would be many questions for one answer. Only proposes.
 */
export class Discovery implements DiscoveryPort {
  /** Settled once what was remembered on disk has been read, and thus proposed. */
  restored: Promise<void> = Promise.resolve();
  #started = false;
  readonly #stop = new AbortController();
  #known: Known = nobody;
  /** What the file says, as far as we know. Null: not read yet, and not to be written. */
  #saved: Known | null = null;
  /** What was found before memory was read. Null: that has been read, or takes too long. */
  #held: Proposal[] | null = [];
  readonly #last = new Map<Role, Proposal>();
  readonly #running = new Map<Role, Promise<Lookup>>();
  readonly #again = new Set<Role>();
  readonly #askedAtMs = new Map<Role, number>();
  #toldAtMs = -Infinity;
  readonly #timers = new Set<Timer>();
  readonly #listeners = new Set<(proposal: Proposal) => void>();

  constructor(private readonly parts: DiscoveryParts) {}

  /** The last good answer for each role, however old; that of an earlier process included. */
  get known(): Known {
    return this.#known;
  }

  last(role: Role): Proposal | undefined {
    return this.#last.get(role);
  }

  subscribe(listener: (proposal: Proposal) => void): () => void {
    this.#listeners.add(listener);
    // Memory first: what was answered after it has the last word on who is listed.
    for (const role of roles) this.#remind(role, listener);
    for (const proposal of this.#last.values()) listener(this.#withMemory(proposal));
    this.start();
    return () => this.#listeners.delete(listener);
  }

  start(): void {
    if (this.#started || this.#stop.signal.aborted) return;
    this.#started = true;
    if (this.parts.cache) {
      this.restored = this.#restore();
      this.#after(memoryMs, () => this.#release());
    } else this.#release();
    for (const role of roles) void this.lookup(role);
    // Not at once: whoever is waiting for the first answer should not wait for the making of an HTTP connection.
    this.#after(wakeUpsAfterMs, () =>
      this.parts.wakeUps?.start((news) => this.#news(news), this.#stop.signal),
    );
    this.#repeat();
  }

  stop(): void {
    this.#stop.abort(new Error('the resolver was closed'));
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#listeners.clear();
  }

  refresh(freshMs?: number): void {
    if (this.#attentive) this.parts.wakeUps?.check(freshMs);
    else this.#askAll();
  }

  remember(systemId: string): void {
    this.#known = { ...this.#known, systemId };
    this.#save();
  }

  /** What is known without asking, because a change of it would have been heard. */
  told(role: Role): Lookup | undefined {
    const last = this.#last.get(role);
    return this.#attentive && last?.source === 'http' ? last.lookup : undefined;
  }

  get #attentive(): boolean {
    return this.parts.wakeUps?.attentive ?? false;
  }

  #askAll(): void {
    for (const role of roles) this.#soon(role);
  }

  /** One lookup; callers at the same time share it. */
  lookup(role: Role): Promise<Lookup> {
    const running = this.#running.get(role);
    if (running) return running;
    const askedAtMs = this.parts.clock.nowMs();
    this.#askedAtMs.set(role, askedAtMs);
    const lookup = this.parts.directory.lookup(role).then((result) => {
      this.#running.delete(role);
      // What was told in the meantime is newer.
      if (this.#toldAtMs < askedAtMs || !this.#attentive)
        this.#hear({ role, lookup: result, source: this.parts.source });
      if (this.#again.delete(role)) this.#soon(role);
      return result;
    });
    this.#running.set(role, lookup);
    return lookup;
  }

  #soon(role: Role): void {
    if (this.#stop.signal.aborted) return;
    if (this.#running.has(role)) {
      this.#again.add(role);
      return;
    }
    const sinceMs = this.parts.clock.nowMs() - (this.#askedAtMs.get(role) ?? -Infinity);
    const waitMs = this.parts.timings.minGapMs - sinceMs;
    if (waitMs <= 0) void this.lookup(role);
    else if (!this.#again.has(role)) {
      this.#again.add(role);
      this.#after(waitMs, () => {
        this.#again.delete(role);
        this.#soon(role);
      });
    }
  }

  #news(news: News): void {
    switch (news.kind) {
      case 'listed':
        this.#toldAtMs = this.parts.clock.nowMs();
        for (const role of roles) this.#hear({ role, lookup: news.lookups[role], source: 'http' });
        return;
      case 'changed':
        this.#askAll();
        for (const delayMs of this.parts.timings.afterWakeMs) this.#after(delayMs, () => this.refresh());
        return;
      case 'silent':
        return this.#askAll();
      default:
        return assertNever(news);
    }
  }

  #repeat(): void {
    const { refreshMs } = this.parts.timings;
    this.#after(refreshMs * (1 + 0.2 * this.parts.random()), () => {
      if (!this.#attentive) this.#askAll();
      this.#repeat();
    });
  }

  #after(delayMs: number, fn: () => void): void {
    if (this.#stop.signal.aborted) return;
    const timer: Timer = this.parts.clock.after(
      delayMs,
      () => {
        this.#timers.delete(timer);
        fn();
      },
      { ref: false },
    );
    this.#timers.add(timer);
  }

  /**
   * What was found in the meantime is newer than the file. That nobody was found is not: an empty catalogue is no proof
   * that nobody is there, so those who are remembered are proposed all the same, and asked.
   */
  async #restore(): Promise<void> {
    const remembered = (await this.parts.cache?.load()) ?? nobody;
    if (this.#stop.signal.aborted) return;
    this.#saved = remembered;
    this.#known = {
      ...remembered,
      ...this.#known,
      primary: this.#known.primary ?? remembered.primary,
      replicas: this.#known.replicas.length > 0 ? this.#known.replicas : remembered.replicas,
    };
    this.#save();
    this.#release();
    for (const role of roles) this.#remind(role, (proposal) => this.#hear(proposal));
  }

  /** Those who listen hear from now on at once. */
  #release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const proposal of held) this.#hear(proposal);
  }

  #withMemory = (proposal: Proposal): Proposal => ({ ...proposal, remembered: this.#known.systemId ?? null });

  /** Proposes whom we remember in a role in which nobody was found. */
  #remind(role: Role, propose: (proposal: Proposal) => void): void {
    const targets = targetsOf(this.#known, role);
    if (targets.length === 0 || this.#last.get(role)?.lookup.kind === 'found') return;
    propose(this.#withMemory({ role, lookup: { kind: 'found', targets }, source: 'cache' }));
  }

  #hear(proposal: Proposal): void {
    if (this.#stop.signal.aborted) return;
    if (this.#held) {
      this.#held.push(proposal);
      return;
    }
    const { role, lookup, source } = proposal;
    const before = this.#last.get(role);
    // "No answer" does not replace what was answered before.
    if (lookup.kind !== 'unavailable' || !before || before.lookup.kind === 'unavailable')
      this.#last.set(role, proposal);
    if (lookup.kind === 'found' && source !== 'cache') this.#learn(role, lookup.targets);
    for (const listener of [...this.#listeners]) listener(this.#withMemory(proposal));
  }

  /** Somebody found replaces whom we knew; nobody found replaces nobody. */
  #learn(role: Role, targets: readonly Target[]): void {
    this.#known =
      role === 'primary'
        ? { ...this.#known, primary: targets[0] ?? this.#known.primary }
        : { ...this.#known, replicas: targets.slice(0, mostFollowed) };
    this.#save();
  }

  /** Not before the file was read: half of what is known must not replace all of it. */
  #save(): void {
    if (this.#saved === null || same(this.#known, this.#saved)) return;
    this.#saved = this.#known;
    void this.parts.cache?.save(this.#known);
  }
}

const nobody: Known = { primary: null, replicas: [] };

function targetsOf(known: Known, role: Role): readonly Target[] {
  if (role === 'replica') return known.replicas;
  return known.primary ? [known.primary] : [];
}

function same(a: Known, b: Known): boolean {
  const one = (x: Target | null, y: Target | null) => (x && y ? sameTarget(x, y) : x === y);
  return (
    one(a.primary, b.primary) &&
    a.systemId === b.systemId &&
    a.replicas.length === b.replicas.length &&
    a.replicas.every((target, index) => one(target, b.replicas[index] ?? null))
  );
}
