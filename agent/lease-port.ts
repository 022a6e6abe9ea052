import type { FailoverEvent } from '../common/failover/shapes.js';
import type { SharedKey, Snapshot } from '../common/failover/snapshot.js';
import type { Transaction } from '../common/failover/transaction.js';

/**
 * What the agents of a service share in Consul: the only way to read and to write it. No call rejects or throws: whatever goes
 * wrong is an outcome. A signal that fires ends the waiting, not what was sent.
 */
export interface LeasePort {
  /**
   * All keys at one moment. `consistent` (default false) asks Consul for a majority's word, which it wants before anything that
   * cannot be undone; the other may come from a server that is not the leader any more.
   */
  read(options?: {
    readonly consistent?: boolean;
    readonly signal?: AbortSignal;
  }): Promise<Answered<{ readonly snapshot: Snapshot }>>;
  /** Tells what stands there, and again after each change, until the signal fires. Each is a majority's word. */
  watch(watcher: LeaseWatcher, signal: AbortSignal): Promise<void>;
  /**
   * Lets watches ask again at once, on a way of their own. Consul before 1.13 waits without an end for a server that froze, and its agent
   * turns to another only with a new question (hashicorp/consul#8504).
   */
  askAnew(): void;

  /**
   * A session to hold the lease with (L1): ends with the box (`serfHealth`) and with the agent's sign of life, and lets the lease go
   * at once. `remembered`, or another that was made for this member before, is taken up again while it lives (L5). The
   * service must be registered with this box's Consul agent, since the sign of life is a check of it. After `unconfirmed` the next
   * call finds what was made.
   */
  openSession(
    remembered: string | undefined,
    signal?: AbortSignal,
  ): Promise<Outcome<{ readonly kind: 'open'; readonly id: string; readonly takenUp: boolean }>>;
  /** One sign of life. Without one for `aliveTtlMs` the session ends. `missing`: there is not such a check; a session must be opened. */
  signOfLife(signal?: AbortSignal): Promise<Outcome<{ readonly kind: 'done' | 'missing' }>>;
  /** Only `gone` is for ever. */
  lookUpSession(id: string, signal?: AbortSignal): Promise<Answered<{ readonly state: 'valid' | 'gone' }>>;
  /** Whoever held the lease with it loses it (L6). One that is gone counts as done. */
  destroySession(id: string, signal?: AbortSignal): Promise<Outcome<{ readonly kind: 'done' }>>;

  /**
   * All of it or nothing. `unconfirmed`: Consul may still apply it, at any time; `isSettled` in common/failover/transaction.ts says
   * what ends that.
   */
  write(transaction: Transaction, signal?: AbortSignal): Promise<Written>;
}

export interface LeaseWatcher {
  onSnapshot(snapshot: Snapshot): void;
  /** Called once per outage, and again only after a snapshot. */
  onUnavailable(why: Unanswered): void;
}

/**
 * - `changed`: written since `was`.
 * - `held`: another session holds the lease. `not-held`: this one does not.
 * - `session-gone`: the session has ended.
 * - `stands`: there is an order already.
 * - `epoch`: the epoch is not above, or not what stands there, or cannot be read.
 */
export type ConflictCause = 'changed' | 'held' | 'not-held' | 'session-gone' | 'stands' | 'epoch';

export interface Conflict {
  readonly key: SharedKey;
  readonly cause: ConflictCause;
  /** Part of a sentence. */
  readonly why: string;
}

/** Nothing was changed. `why` is a sentence. */
export type Unanswered =
  /** The token may not. */
  | { readonly kind: 'refused'; readonly why: string }
  /** Nothing was changed: Consul is not there, has no leader, or could not make sense of it. */
  | { readonly kind: 'failed'; readonly why: string };

export type Answered<T> = ({ readonly kind: 'answered' } & T) | Unanswered;

/** `unconfirmed`: it was sent, and no answer came. It may still be carried out. */
export type Outcome<T> = T | Unanswered | { readonly kind: 'unconfirmed'; readonly why: string };

export type Written = Outcome<
  /** `snapshot`: of that very moment. */
  | { readonly kind: 'applied'; readonly snapshot: Snapshot }
  | { readonly kind: 'conflict'; readonly conflicts: readonly [Conflict, ...Conflict[]] }
>;

/** The history of a service. What cannot be written now is kept in memory and written later, in order. */
export interface EventsPort {
  /**
   * Returns at once. `id` and order are given here, by this box's clock, but later than what it has seen in Consul before. Throws a TypeError
   * for what `list` could not read.
   */
  append(event: Omit<FailoverEvent, 'id' | 'atMs'>): FailoverEvent;
  /** How many are not written yet. */
  readonly pending: number;
  /** Resolves when all are written, or when the signal fires. */
  flushed(signal: AbortSignal): Promise<void>;
  /** Oldest first. */
  list(signal?: AbortSignal): Promise<Answered<Listed>>;
  /** What is there, then what comes, until the signal fires. Each once. */
  follow(follower: EventsFollower, signal: AbortSignal): Promise<void>;
  /** What is not written by then is lost. */
  close(): void;
}

export interface Listed {
  readonly events: readonly FailoverEvent[];
  /** Keys of what is not an event, each with why. */
  readonly unreadable: readonly { readonly key: string; readonly why: string }[];
}

export interface EventsFollower {
  onEvents(events: readonly FailoverEvent[]): void;
  /** Called once per outage, and again only after an answer. */
  onUnavailable(why: Unanswered): void;
}
