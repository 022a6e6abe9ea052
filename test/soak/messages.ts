import type { Mode, Target } from '../../common/names.js';
import type { Vitals } from './evidence/vitals.js';
import type { Seen } from './evidence/watch.js';
import type { Pause } from './switchovers/steps.js';

/** All that the worker must know to begin. */
export interface Setup {
  readonly login: { readonly user: string; readonly password: string; readonly database: string };
  /** Who may create tables. */
  readonly owner: { readonly user: string; readonly password: string };
  readonly consul: { readonly dns: Target; readonly url: string; readonly token: string };
  /** The servers of all members, for looking at the rows past the library. */
  readonly servers: readonly Target[];
  readonly admin: { readonly user: string; readonly password: string };
  /** Given where the primary is moved and not lost: what an app then sets, and does again by itself what it holds a client for. */
  readonly writeWaitMs?: number;
  readonly orms: readonly string[];
  readonly clientsPerOrm: number;
  readonly pauseMs: number;
  readonly deadlineMs: number;
  readonly seed: number;
}

/** Of the writers that write all the time. */
export interface Tallied {
  readonly acknowledged: { readonly pool: number; readonly bare: number };
  /** Acknowledged, and not there. */
  readonly lost: readonly string[];
  readonly bareRetries: number;
}

/** What the worker is asked, and what it answers; each question has exactly one answer. */
export interface Asked {
  /** Open all pools, and start the load once all are read-write. */
  begin: { ask: Setup; answer: null };
  /** Wait until every pool is in that mode; answers with the names of those that are not. */
  waitForMode: { ask: { mode: Mode; timeoutMs: number }; answer: readonly string[] };
  /** Stop the load and wait until every pool has shrunk, then look at what the process holds. */
  rest: { ask: null; answer: Vitals };
  /** At rest: compare all rows with the ledger, and empty both. Answers with how many rows there were. */
  compare: { ask: null; answer: number };
  resume: { ask: null; answer: null };
  /** The longest time without an acknowledged write since this was last asked. */
  pause: { ask: null; answer: Pause };
  /** At rest: compare what the steady writers were told with what there is. */
  tally: { ask: null; answer: Tallied };
  seen: { ask: null; answer: Seen & { readonly unhandled: number } };
  /** Close everything; answers with the sockets that are left. */
  close: { ask: null; answer: number };
}

export type Question = {
  [K in keyof Asked]: { readonly kind: K; readonly ask: Asked[K]['ask'] };
}[keyof Asked];

/** An error of the worker itself, not of what it tests. */
export type Answer = { readonly answer: unknown } | { readonly error: string };
