import type { PublishedHistory } from '../../common/failover/published-history.js';
import type { GateKind } from '../../common/postgres/gate-name.js';
import type { Lsn } from '../../common/postgres/lsn.js';
import type { Mode, Role, Target } from '../../common/names.js';

/**
 * What one lookup said. The three are never mixed up: "there is none" is knowledge, "no answer" is not, and
 * only the first may make us forget anything.
 */
export type Lookup =
  | {
      readonly kind: 'found';
      readonly targets: readonly Target[];
      /** Which database some of them belong to, as their agents have it in Consul; by `targetKey`. */
      readonly systems?: Readonly<Record<string, string>>;
      /** The newest promotion that the agents of managed members know of; by `targetKey`. */
      readonly histories?: Readonly<Record<string, PublishedHistory>>;
    }
  | { readonly kind: 'empty' }
  | { readonly kind: 'unavailable'; readonly why: string };

/** Where a proposal came from. */
export type Source = 'dns' | 'http' | 'cache' | 'static';

/**
 * Which history of which database a primary writes: a promotion starts a higher timeline of the same system. A server that
 * does not say which system it is can only be compared with others that do not.
 */
export interface Epoch {
  readonly systemId: string | null;
  readonly timeline: number;
}

/** Whether this is what Postgres calls one: an unsigned number of 64 bits, in decimal. */
export const isSystemId = (value: unknown): value is string =>
  typeof value === 'string' && /^[1-9]\d{0,19}$/.test(value);

/** Which database this process belongs to. */
export type System =
  | { readonly kind: 'unknown' }
  /** That of the members proven now. No session has been served yet: nothing of it is kept. */
  | { readonly kind: 'apparent'; readonly systemId: string }
  /** The same, and they are of several: nobody here can tell which one is meant. */
  | { readonly kind: 'torn'; readonly systemIds: readonly string[] }
  | {
      readonly kind: 'own';
      readonly systemId: string;
      /** On whose word. An option is final. */
      readonly by: 'option' | 'memory' | 'proof' | 'move';
    };

/** What a member's monitor last heard from it. */
export interface Told {
  readonly role: Role;
  /** Null: it does not say. */
  readonly systemId: string | null;
  /** Why it did not say all that it was asked, in its own words. Null: it did. */
  readonly withheld: string | null;
}

/** Why a member does not prove itself. */
export type Trouble =
  | { readonly kind: 'refused' }
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'timed-out' }
  | { readonly kind: 'closed' }
  /** A session of it said that the postmaster is dead. */
  | { readonly kind: 'crashed' }
  /** It answers, and says that it is starting up or shutting down (57P03, 57P01). */
  | { readonly kind: 'not-ready' }
  /** We have not got to asking it: a password, a stream or a name on our own side took too long. */
  | { readonly kind: 'held-up' }
  /** This process or its machine lacks what a connection needs. `code`: the system's. */
  | { readonly kind: 'own-side'; readonly code: string }
  /** It is alive and we do not get in: wrong password, no such database, too many connections, a bad certificate. */
  | { readonly kind: 'rejected'; readonly code: string | null };

export type Standing =
  | { readonly kind: 'unknown' }
  /**
   * A live session says so. `suspect`: that session just ended and a fresh one is being tried. `contradicted`: a primary that
   * has once been heard to be a replica since, and is being asked again. `silences`: so often in a row its monitor heard
   * nothing in time, and it was kept for want of another.
   */
  | {
      readonly kind: 'proven';
      readonly role: Role;
      readonly suspect: boolean;
      readonly contradicted: boolean;
      readonly silences: number;
    }
  | { readonly kind: 'gone'; readonly trouble: Trouble };

/** What keeps a managed primary from acknowledging writes, when it was last heard. */
export interface Bars {
  /** Its gate is closed: commits wait. */
  readonly gated: boolean;
  /** All its sessions were told to read only: a switchover has begun. */
  readonly drained: boolean;
  /** A write of ours has waited for an acknowledgement for too long, and still does. */
  readonly stalled: boolean;
  /** Since when its holder holds its gate, monotonic ms; null: it does not. */
  readonly heldSinceMs: number | null;
}

export interface Member {
  readonly target: Target;
  readonly standing: Standing;
  /** A file named it first, before any catalogue. */
  readonly remembered: boolean;
  /** Roles that the last successful lookups give it. Empty: in none of them. */
  readonly listed: readonly Role[];
  /** Since when it is neither listed nor proven, monotonic ms; null while it is either. */
  readonly idleSinceMs: number | null;
  /** Null: its monitor has heard nothing yet. */
  readonly told: Told | null;
  /** Which database it belongs to by its agent's word in Consul. Null: nothing is said there. */
  readonly published: string | null;
  /** The last epoch it showed as primary, with its gate open if it is managed. */
  readonly epoch: Epoch | null;
  /** Written (primary) or replayed (replica) up to here, when last heard. */
  readonly lsn: Lsn | null;
  /** How far it was behind the newest known position when it was last heard. Null: unknown. */
  readonly lagBytes: number | null;
  readonly heardAtMs: number | null;
  /** Replica: age of the last replayed transaction, as the server tells it. */
  readonly replayAgeMs: number | null;
  readonly bars: Bars;
}

/** Why the mode is what it is. */
export type Reason =
  | { readonly kind: 'starting' }
  | { readonly kind: 'primary-proven'; readonly target: Target }
  | { readonly kind: 'no-primary-known'; readonly consulSaysNone: boolean }
  | { readonly kind: 'primary-lost'; readonly target: Target; readonly trouble: Trouble }
  | { readonly kind: 'primary-became-replica'; readonly target: Target }
  /** A member says it is primary, of an older timeline than one already seen. */
  | { readonly kind: 'primary-superseded'; readonly target: Target; readonly timeline: number }
  /** A member says it is primary and not of which timeline, while others of the service have said theirs. */
  | { readonly kind: 'primary-untold'; readonly target: Target }
  /** The one primary that there is acknowledges no writes now. */
  | {
      readonly kind: 'primary-barred';
      readonly target: Target;
      readonly bar: 'gated' | 'drained' | 'stalled';
    }
  /** A member says it is primary, of an older timeline than one that was registered in Consul. */
  | { readonly kind: 'primary-unregistered'; readonly target: Target; readonly floor: PublishedHistory }
  /** Primaries, or without one replicas, of several databases, before there was a session. */
  | { readonly kind: 'torn'; readonly systemIds: readonly string[] }
  /** All members known are of another database. */
  | { readonly kind: 'none-of-ours' }
  /** Consul's HTTP API has named another database for long enough. Null: there was none before. */
  | { readonly kind: 'moved'; readonly from: string | null; readonly to: string }
  | { readonly kind: 'replicas-too-far-behind'; readonly limitBytes: number }
  | { readonly kind: 'nobody-known'; readonly consul: 'lists-nobody' | 'does-not-answer' }
  | { readonly kind: 'nothing-answers'; readonly members: number }
  /** Some are there, and refuse the log-in; of the others, nobody answers. */
  | { readonly kind: 'nobody-lets-in'; readonly members: number; readonly refusals: readonly Refusal[] };

export interface Refusal {
  readonly target: Target;
  /** SQLSTATE, or null when the server did not say: an error of TLS. A code of the system: we lack something ourselves. */
  readonly code: string | null;
}

/** Up to where anybody was known to have written or received at that time. */
interface Head {
  readonly lsn: Lsn;
  readonly atMs: number;
}

export interface State {
  /** Those that are followed; few enough to have a monitor each. */
  readonly members: ReadonlyMap<string, Member>;
  /** Listed, and without a place among them. First comes first. */
  readonly waiting: ReadonlyMap<string, Member>;
  readonly mode: Mode;
  readonly modeSinceMs: number;
  readonly reason: Reason;
  /** Whom `pool` may write to. Null unless the mode is read-write. */
  readonly writer: Target | null;
  readonly system: System;
  /** Agents move the primary: a registration with a history, or a gate, was seen. It stays so. */
  readonly managed: boolean;
  /** Of each database the newest history that was registered; nothing below that of ours is ever written to. */
  readonly floors: Readonly<Record<string, PublishedHistory>>;
  /**
   * When Consul's HTTP API has last said who plays this role, monotonic ms. Null: the newest word on it is not HTTP's.
   */
  readonly byHttpMs: Readonly<Record<Role, number | null>>;
  /** The other database of which alone HTTP lists members, and since when. */
  readonly elsewhere: { readonly systemId: string; readonly sinceMs: number } | null;
  /** The highest epoch seen of our system; nothing below it is ever written to. */
  readonly highest: Epoch | null;
  /** Newest last; a few seconds of them, to tell how old a replica's data is. */
  readonly heads: readonly Head[];
  /** What the last lookup of each role said. */
  readonly lookups: Readonly<Record<Role, Lookup['kind'] | null>>;
}

export interface RouteConfig {
  /** A replica further behind than this serves nobody. Bytes. */
  readonly maxReplicaLagBytes: number;
  /** A member neither listed nor proven is watched this long before it is forgotten. */
  readonly forgetAfterMs: number;
  /** Who was heard less long ago, ms, is not about to be found silent. */
  readonly freshMs: number;
  /** The only database this process may ever use. Null: the first that proves itself. */
  readonly systemId: string | null;
}

export type Event =
  | {
      readonly type: 'proposal';
      readonly role: Role;
      readonly lookup: Lookup;
      readonly source: Source;
      /** The database that is remembered from before. */
      readonly remembered?: string | null;
    }
  /** A session's own word about its server, at its start or when the server changed its mind. */
  | { readonly type: 'proved'; readonly target: Target; readonly role: Role }
  /** The monitor's word: role with everything else. */
  | {
      readonly type: 'heartbeat';
      readonly target: Target;
      readonly role: Role;
      readonly systemId: string | null;
      /** Of a primary. */
      readonly timeline: number | null;
      readonly withheld: string | null;
      readonly lsn: Lsn | null;
      /** Of a replica: received, perhaps not replayed yet. */
      readonly receivedLsn: Lsn | null;
      readonly replayAgeMs: number | null;
      /** Closed or held. Undefined: it has none, or does not say. */
      readonly gate?: GateKind | undefined;
      /** Its configuration, not a role or session, says that transactions only read. */
      readonly drained?: boolean;
    }
  /** A session that was fine has ended. `monitor`: the one that carries the proof. */
  | { readonly type: 'lost'; readonly target: Target; readonly by: 'monitor' | 'session' }
  /** A connection attempt, or the heartbeat, failed. */
  | {
      readonly type: 'failed';
      readonly target: Target;
      readonly trouble: Trouble;
      readonly by: 'monitor' | 'session';
      /** Whether other sessions of ours to it are open. */
      readonly sessionsLive: boolean;
    }
  /** The app was given a session to this member. */
  | { readonly type: 'served'; readonly target: Target }
  /** Whether writes of ours to this member have waited for an acknowledgement for too long, and still do. */
  | { readonly type: 'acknowledgements'; readonly target: Target; readonly missing: boolean }
  /** A write was refused with 25006. */
  | { readonly type: 'write-refused'; readonly target: Target }
  /** `sleptMs`: how much of the time since the last one this process did not run. */
  | { readonly type: 'tick'; readonly sleptMs?: number };

/**
 * What the shell does, in this order and no other:
 * `destroy` before `mode`, so that whoever hears of the mode finds no socket to the dead host;
 * `retire` before `mode`, so that the first query after the event gets a session that fits;
 * `watch` and `probe` after, they take their time; `lookup` and what is like it last.
 */
export type Effect =
  /** End every socket to this target now: nobody waits for TCP. */
  | { readonly do: 'destroy'; readonly target: Target }
  /** End sessions that no longer fit: idle ones now, busy ones on release. */
  | { readonly do: 'retire' }
  | { readonly do: 'mode'; readonly mode: Mode; readonly previous: Mode; readonly reason: Reason }
  | { readonly do: 'watch'; readonly target: Target }
  | { readonly do: 'unwatch'; readonly target: Target }
  /** Ask this member now, not at its next turn. */
  | { readonly do: 'probe'; readonly target: Target }
  | { readonly do: 'lookup' }
  /** Ask Consul's HTTP API whether what it said still holds. */
  | { readonly do: 'confirm' }
  /** From the next start on this process belongs to that database. */
  | { readonly do: 'remember'; readonly systemId: string };

export interface Decision {
  readonly state: State;
  readonly effects: readonly Effect[];
}
