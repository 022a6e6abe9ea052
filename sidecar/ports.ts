import type { Clock } from '../common/clock.js';
import type { Role, Target } from '../common/names.js';
import type { Use } from './core/mode/eligible.js';
import type { Event, Lookup, Source } from './core/model.js';
import type { Position } from './core/history/position.js';

/** Asks who plays a role. Never rejects: what went wrong is `unavailable`. Ends within its own deadline. */
export interface Directory {
  lookup(role: Role): Promise<Lookup>;
}

/** What is heard without asking for it. */
export type News =
  /** Who plays what. Only a proposal, like every lookup. */
  | { readonly kind: 'listed'; readonly lookups: Readonly<Record<Role, Lookup>> }
  /** Something may have changed: asking is worth it. */
  | { readonly kind: 'changed' }
  /** Nothing will be heard for a while: ask now, and go on asking. */
  | { readonly kind: 'silent' };

/** Tells of changes by itself. */
export interface WakeUps {
  /** Calls `hear` until the signal fires. Returns at once. */
  start(hear: (news: News) => void, signal: AbortSignal): void;
  /** Whether the last that was heard is a list, and changes of it will be heard. */
  readonly attentive: boolean;
  /**
   * In trouble: makes sure that it is still heard, without waiting. Hears `silent` if not. What was heard within `freshMs`
   * (default 5 s) needs no check.
   */
  check(freshMs?: number): void;
}

/** What was known the last time; proposals for a process that starts while Consul is away. */
export interface Known {
  readonly primary: Target | null;
  readonly replicas: readonly Target[];
  /** Which database this process belonged to. Absent: it was not known. */
  readonly systemId?: string;
}

export interface LastKnownGood {
  /** Null: nothing usable. Never rejects. */
  load(): Promise<Known | null>;
  /** Never rejects. */
  save(known: Known): Promise<void>;
}

export interface Proposal {
  readonly role: Role;
  readonly lookup: Lookup;
  readonly source: Source;
  /** Which database this process, or one before it, belonged to. */
  readonly remembered?: string | null;
}

/** The running search for members. */
export interface Discovery {
  /** `listener` hears what is known at once, and every lookup from then on. Returns its end. */
  subscribe(listener: (proposal: Proposal) => void): () => void;
  /** Look up now. What Consul's HTTP API has said within `freshMs` (default 5 s) is not asked for again. */
  refresh(freshMs?: number): void;
  /** From now on, and from the next start on, this is where the process belongs. */
  remember(systemId: string): void;
}

/** What the router hears about members: everything but proposals and time. Which sessions live, it knows itself. */
export type Report =
  Exclude<Event, { type: 'proposal' | 'tick' | 'failed' }> | Omit<Event & { type: 'failed' }, 'sessionsLive'>;

/** How far a member is in its history, by its own word. Null: it does not say. */
export interface Whereabouts {
  readonly role: Role;
  readonly position: Position | null;
}

/** One monitor session to one member, for as long as it runs. */
export interface Monitor {
  /** Ask now. */
  probe(): void;
  /** What the session that is open now heard last: a server that was started again may have to replay anew. */
  readonly whereabouts: Whereabouts | null;
  /** Asks, with a question that is sent after this call. Null: no session, or no answer. Never rejects. */
  askWhereabouts(): Promise<Whereabouts | null>;
  /** Which of these processes wait for a standby to confirm a commit. Null: no session, or no answer. Never rejects. */
  askWaiting(pids: readonly number[]): Promise<readonly number[] | null>;
  stop(): void;
}

export interface Monitors {
  start(target: Target, report: (report: Report) => void): Monitor;
}

/** What a server is busy with for one session. `statement` is the same object for as long as it runs. */
export interface InFlight {
  readonly statement: object;
  readonly pid: number;
}

/** A socket to a member, as the router sees it. */
export interface SessionHandle {
  readonly target: Target | null;
  /** Whether it is connected and proven, and not known to have ended. */
  readonly live: boolean;
  /** Ends the socket without waiting for anything. */
  destroy(why: Error): void;
  /** Members have changed: gives up a connection that is still being made to one that no longer fits. */
  reconsider(): void;
  /** How much its socket has read so far: a sign of life that costs nothing. */
  bytesRead(): number;
}

/** What sessions need from the router. */
export interface Routing {
  start(): void;
  /** Agents move the primary, and members have gates. */
  readonly managed: boolean;
  /** Somebody who may serve `use`. Waits until `deadlineMs` by `clock`; rejects with DownError, ReadOnlyError or the
   *  server's own refusal. */
  target(use: Use, deadlineMs: number, clock: Clock): Promise<Target>;
  fits(use: Use, target: Target): boolean;
  report(report: Report): void;
  /** Makes the session known until the returned function is called. */
  register(session: SessionHandle): () => void;
}
