import type { CheckStatus, Role } from '../../common/names.js';
import type { Action } from './action.js';
import type { Facts, Obstacle, Trouble } from './kinds/index.js';
import type { Attempt, ConsulTrouble } from './publish/attempt.js';
import type { Publication as RoleToPublish } from './lead/model.js';
import type { Publishing } from './publish/publishing.js';

export type { CheckStatus };
export type { Action, Registration } from './action.js';
export type { Facts, Obstacle, Trouble, Warning } from './kinds/index.js';
export type { PostgresFacts, ReplicaFacts } from './kinds/postgres.js';

/**
 * What one service's decisions are made from and about. Everything here is plain data.
 *
 * One service is decided on at a time: `decide(state, observation, config)`. The lease and promotion will be further
 * fields of `Observation` (what the lock says) and further members of `Action` (acquire, fence, promote, …).
 */
export interface ServiceModel {
  /** Consul's service id on this box, like `pg@pg1`. */
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** Written to Consul as service meta. */
  readonly meta: Readonly<Record<string, string>>;
  /** What the check says while passing. The role is not in it: the tag has that. */
  readonly passingText: string;
  /** So many probes in a row must have gone without an answer in time until that is believed; 1: the first is. */
  readonly missesToBelieve: number;
  /** The probe that is to confirm a miss gets this share of the deadline, up to 1. */
  readonly confirmingShare: number;
  /** How often the check in Consul is refreshed, in ms; a good deal less than `checkTtlMs`. */
  readonly refreshMs: number;
  /** Consul calls the check critical when it was not refreshed for so long, in ms. */
  readonly checkTtlMs: number;
  /** What a probe found that was asked longer ago, in ms, does not count any more: its check is left to run out. */
  readonly probeStaleMs: number;
}

// ---- what is observed

/**
 * What the servers' catalogue says of an entry that this box's Consul agent holds. They differ after a snapshot was
 * restored or the servers lost their state; Consul's agent itself looks only about once a minute.
 */
export type Echo = 'unknown' | 'same' | 'missing' | 'different';

export interface Observation {
  /** Monotonic ms. */
  readonly nowMs: number;
  /** Wall clock, ms since 1970: only for "since". */
  readonly wallMs: number;
  /** What a probe found since the last decision. */
  readonly probe: ProbeReading | undefined;
  /** How the action ended that was performed since the last decision. */
  readonly attempt: Attempt | undefined;
  /** What this box's Consul agent holds for the service. */
  readonly catalogue: CatalogueView;
  /** What the servers' catalogue says of that. */
  readonly echo: Echo;
  /** Consul came back a moment ago, so that its no means little yet. */
  readonly isConsulSettling: boolean;
  /** A token that Consul refused was replaced since the last decision. */
  readonly hasNewToken: boolean;
  /** Another agent has taken the box over: nothing is written. */
  readonly isSuperseded: boolean;
  /** What the lead lets this member publish; undefined: roles are not managed here, and what is seen is published. */
  readonly lead: LeadWord | undefined;
  /** The box was told to leave the catalogue: its services are taken out and stay out. */
  readonly isLeaving: boolean;
  /** Since when the agent is being stopped in an orderly way, monotonic ms. */
  readonly stoppingSinceMs: number | undefined;
}

/** The role that a managed member may have in the catalogue, and the newest promotion that its agent knows. */
export interface LeadWord {
  readonly role: RoleToPublish;
  readonly epoch: number | undefined;
  readonly timeline: number | undefined;
}

/** What was found by asking at that moment (monotonic ms): it may have changed ever since. */
export interface ProbeReading {
  readonly askedMs: number;
  readonly result: ProbeResult;
}

export type ProbeResult =
  | { readonly kind: 'passing'; readonly facts: Facts }
  | { readonly kind: 'critical'; readonly trouble: Trouble }
  /** The probe could not be made for a reason that says nothing about the member. */
  | { readonly kind: 'unknown'; readonly obstacle: Obstacle };

/** What is known of the service's entry on this box's Consul agent. */
export type CatalogueView =
  /** Not read yet, or not readable now: nothing is known, so nothing is done. */
  | { readonly kind: 'unread'; readonly why: 'not-yet' | ConsulTrouble }
  | { readonly kind: 'absent' }
  | { readonly kind: 'present'; readonly entry: CatalogueEntry };

export interface CatalogueEntry {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
  /** Undefined when somebody removed the check. */
  readonly check:
    | {
        readonly status: CheckStatus;
        readonly text: string;
        /** When this agent last refreshed it, monotonic ms of the sending; undefined when it has not yet. */
        readonly refreshedMs: number | undefined;
      }
    | undefined;
}

// ---- what is remembered

export interface ServiceState {
  readonly health: Health;
  /** How many probes in a row, the newest included, had no answer in time. */
  readonly missesInARow: number;
  /** When the newest of the probes that have ended was asked, monotonic ms. */
  readonly probedMs: number | undefined;
  readonly publishing: Publishing;
}

/** `sinceMs` is wall-clock, since when kind and role are what they are. */
export type Health =
  | { readonly kind: 'unseen'; readonly remembered: Remembered | undefined }
  | { readonly kind: 'passing'; readonly facts: Facts; readonly sinceMs: number }
  | {
      readonly kind: 'critical';
      readonly trouble: Trouble;
      /** The last role it had. */
      readonly role: Role | undefined;
      readonly sinceMs: number;
    }
  | {
      readonly kind: 'unknown';
      readonly obstacle: Obstacle;
      /** What was last proven; it goes on being published. */
      readonly last: Proven | undefined;
      readonly sinceMs: number;
    };

export type Proven = Extract<Health, { kind: 'passing' | 'critical' }>;

/** What survives a restart of the agent, on disk. Never a proof: only for "since" and the last role. */
export interface Remembered {
  readonly kind: 'passing' | 'critical' | 'unknown';
  readonly role: Role | undefined;
  readonly sinceMs: number;
}

// ---- what is done

export interface Decision {
  readonly state: ServiceState;
  readonly actions: readonly Action[];
  /** What the newest probe found is not believed yet: the next one is due at once. */
  readonly probeAgain: { readonly deadlineShare: number } | undefined;
  readonly reasons: { readonly publish: Reason };
  /** When there may be something to do though nothing new is observed, monotonic ms; undefined: never. */
  readonly wakeAtMs: number | undefined;
}

/** Why a decision is what it is. Rendered in `sentences.ts`. */
export type Reason =
  | { readonly kind: 'steady' }
  | { readonly kind: 'first-probe-pending' }
  /** The last probe ended so long ago that what it said does not count any more. */
  | { readonly kind: 'probe-stale' }
  | { readonly kind: 'consul-unread'; readonly why: 'not-yet' | ConsulTrouble }
  /** Consul said no, and is asked again only then, monotonic ms. */
  | { readonly kind: 'backing-off'; readonly untilMs: number }
  | { readonly kind: 'not-registered' }
  | { readonly kind: 'check-missing' }
  | { readonly kind: 'catalogue-differs'; readonly isMissing: boolean }
  | { readonly kind: 'entry-differs'; readonly what: 'address' | 'tags' | 'meta' }
  | { readonly kind: 'status-differs'; readonly from: CheckStatus; readonly to: CheckStatus }
  | { readonly kind: 'text-differs' }
  | { readonly kind: 'refresh-due' }
  | { readonly kind: 'superseded' }
  | { readonly kind: 'stopping' }
  | { readonly kind: 'leaving' }
  /** It is in the catalogue no more, as it was told. */
  | { readonly kind: 'left' };

export function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item) => b.includes(item));
}

export function sameMeta(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
