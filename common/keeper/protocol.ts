import type { History } from '../postgres/history.js';
import {
  bool,
  integer,
  list,
  matching,
  number,
  object,
  oneOf,
  optional,
  text,
  union,
  type Of,
  type Shape,
} from './shape.js';

/**
 * What the agent (and an operator) can ask of a keeper, and what it answers: a closed list. One line of JSON goes in, any number
 * of progress lines and one answer come out, then the connection ends. docs/KEEPER.md describes each.
 */

const lsn = matching(/^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/, 'a WAL position like 0/3000060');
const systemId = matching(/^\d{1,20}$/, 'a system identifier');
const timeline = integer(1, 2 ** 32 - 1);
const host = matching(/^[A-Za-z0-9_.:%-]{1,255}$/, 'a host name or an address');
const port = integer(1, 65_535);
const slotName = matching(/^[a-z0-9_]{1,50}$/, 'a slot: small letters, digits, underscores');
/** Shorter than what Postgres cuts names at (63 bytes), quotes excluded: R5, G1. */
const standbyName = matching(
  /^[a-z0-9][a-z0-9 _.-]{0,62}$/,
  'a standby: small letters, digits, - _ . and spaces',
);
const deadlineMs = optional(integer(1, 86_400_000));

/** D4: which history a member has. */
export const history: Shape<History> = object({
  systemId,
  timeline,
  forks: list(object({ timeline, parent: timeline, lsn, mark: optional(text) })),
});

export const request = union('verb', {
  facts: { deadlineMs },
  init: { deadlineMs, managed: bool, gate: oneOf('close', 'as-is') },
  gate: {
    deadlineMs,
    /** `add`: from an open gate to one that waits for `standbys`, which then have all that was acknowledged before (R2). */
    do: oneOf('close', 'hold', 'final', 'open', 'add'),
    /** For `open` and `add`: whose flush a commit waits for; empty: no standby's. */
    standbys: optional(list(standbyName)),
    /** For `open` and `add`: how many of them. Default 1. */
    count: optional(integer(1, 8)),
  },
  promote: { deadlineMs, terminateAfterMs: optional(integer(0, 3_600_000)) },
  fence: { deadlineMs },
  follow: {
    deadlineMs,
    host: optional(host),
    port: optional(port),
    slot: optional(slotName),
    history: optional(history),
  },
  rejoin: {
    deadlineMs,
    method: oneOf('follow', 'rewind', 'basebackup'),
    host,
    port,
    slot: optional(slotName),
    history,
  },
  drain: {
    deadlineMs,
    do: oneOf('on', 'off'),
    waitMs: optional(integer(0, 600_000)),
    resetAfterMs: optional(integer(100, 3_600_000)),
  },
  slots: { deadlineMs, names: list(slotName) },
  checkpoint: { deadlineMs },
});
export type Request = Of<typeof request>;
export type Verb = Request['verb'];
export type RequestOf<V extends Verb> = Extract<Request, { verb: V }>;

/** Default of `deadlineMs`, in ms. */
export const deadlinesMs: Readonly<Record<Verb, number>> = {
  facts: 2_000,
  init: 30_000,
  gate: 5_000,
  promote: 30_000,
  fence: 10_000,
  follow: 10_000,
  rejoin: 3_600_000,
  drain: 5_000,
  slots: 5_000,
  checkpoint: 600_000,
};

export const gateFacts = union('kind', {
  /** `sinceStart`: since before this Postgres started, so that it never ran without (G2). */
  closed: { name: text, sinceStart: bool },
  /** A holder's voluntary gate, reopened by the keeper (G3). */
  hold: { name: text, leftMs: number },
  open: { standbys: text, proven: bool },
  unknown: { why: text },
});

const answering = {
  inRecovery: bool,
  serverVersion: text,
  /** What is flushed here: written on a primary, received on a standby. */
  flushLsn: optional(lsn),
  replayLsn: optional(lsn),
  replayPaused: bool,
  receiver: optional(
    object({
      status: text,
      host: optional(text),
      port: optional(number),
      slot: optional(text),
      timeline: optional(number),
      lastMessageAgeMs: optional(number),
    }),
  ),
  senders: list(
    object({ name: text, state: text, flushLsn: optional(lsn), syncPriority: number, syncState: text }),
  ),
  slots: list(object({ name: text, active: bool, restartLsn: optional(lsn), walStatus: optional(text) })),
  /** Roles and databases that set `synchronous_commit` or `default_transaction_read_only` for themselves (R7, O4). */
  overrides: list(text),
  /** Settings that were changed and need a restart of Postgres; looked at every 10 seconds. */
  pendingRestart: list(text),
  fsync: bool,
  fullPageWrites: bool,
  preparedTransactions: number,
  /** Of clients, that run at this moment (O4). */
  statements: number,
  /** What Postgres itself says the gate is; proves nothing (G1). */
  synchronousStandbyNames: text,
};

const facts = object({
  member: text,
  managed: bool,
  installedVersion: text,
  data: union('state', {
    none: {},
    unreadable: { why: text },
    /** `cluster`: the control file's word, such as "in production". */
    present: {
      cluster: text,
      systemId,
      timeline,
      /** Of the latest checkpoint; behind `timeline` until the first one after a promotion. */
      checkpointTimeline: timeline,
      checkpointLsn: lsn,
      minRecoveryLsn: lsn,
    },
  }),
  /** `others`: processes on this data directory that belong to no postmaster. */
  server: union('state', {
    stopped: { others: number },
    /** `starting`: when this look began it had let no session in, so nothing was acknowledged. */
    running: { pid: number, others: number, starting: optional(bool) },
  }),
  standbySignal: bool,
  /** A rejoin was begun and did not end: D2. */
  rewinding: optional(object({ method: text })),
  gate: gateFacts,
  drain: optional(object({ leftMs: number })),
  incarnation: text,
  applicationName: text,
  history: optional(history),
  order: optional(object({ verb: text, progress: text })),
  sql: union('state', { answers: answering, unknown: { why: text } }),
});
export type Facts = Of<typeof facts>;

/** What `done` carries, by verb. */
export const results = {
  facts,
  init: object({ managed: bool, gate: gateFacts, strippedSettings: list(text) }),
  gate: object({
    gate: gateFacts,
    /** Of the second barrier: no commit behind this position was acknowledged without the new setting (R2). */
    barrierLsn: optional(lsn),
  }),
  promote: object({ history, terminated: number, tookMs: number }),
  fence: object({ killed: number, tookMs: number }),
  follow: object({ streaming: bool, applicationName: text, timeline: optional(number) }),
  rejoin: object({
    method: oneOf('follow', 'rewind', 'basebackup'),
    applicationName: text,
    /** Where WAL that the others do not have was put, and how much it is (D4). */
    kept: optional(object({ folder: text, bytes: number })),
  }),
  drain: object({ readOnly: bool, terminated: number, preparedTransactions: number, writers: number }),
  slots: object({ created: list(text), dropped: list(text), active: list(text) }),
  checkpoint: object({ redoLsn: lsn, tookMs: number }),
} as const;
export type ResultOf<V extends Verb> = Of<(typeof results)[V]>;

/** Why nothing was begun. */
export const refusals = [
  'bad-request',
  'busy',
  'not-managed',
  'rewinding',
  'minor-too-old',
  'no-data',
  'not-running',
  'in-recovery',
  'not-in-recovery',
  'gate-not-closed',
  'gate-not-open',
  'no-hold',
  'signal-missing',
  'settings-not-included',
  'other-system',
  'other-history',
  'diverged',
  'source-not-ready',
  'not-clean',
] as const;
export type Refusal = (typeof refusals)[number];

/** The last line, with `result` still to be read by the verb's shape. */
export const finalLine = union('outcome', {
  /** It is so, and was seen. */
  done: { result: { keys: [], read: (value: unknown) => value } },
  /** Nothing was changed. */
  refused: { reason: oneOf(...refusals), sentence: text },
  /** It was begun and did not come true. */
  failed: { sentence: text },
  /** It was begun, and was not seen to come true within `deadlineMs`; it may yet. */
  'timed-out': { sentence: text },
});

export type Answer<V extends Verb> =
  | { readonly outcome: 'done'; readonly result: ResultOf<V> }
  | { readonly outcome: 'refused'; readonly reason: Refusal; readonly sentence: string }
  | { readonly outcome: 'failed' | 'timed-out'; readonly sentence: string }
  /** By the client: the order was sent, and the connection ended before an answer. */
  | { readonly outcome: 'unconfirmed'; readonly sentence: string };

export const progressLine = object({ progress: text });
