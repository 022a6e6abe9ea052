import type { FailoverReport } from '../../common/failover/report.js';
import type { FailoverOrder, Policy, Record } from '../../common/failover/shapes.js';

/** What the agent of one member says of the service's roles. */
export type FailoverReading =
  | { readonly kind: 'read'; readonly url: string; readonly report: FailoverReport }
  /** The agent answers, and moves no roles of this service. */
  | { readonly kind: 'not-managed'; readonly url: string; readonly why: string }
  /** Its box has no such service. */
  | { readonly kind: 'no-member'; readonly url: string; readonly why: string }
  | { readonly kind: 'failed'; readonly url: string; readonly why: string };

/** Something to look at. */
export interface Finding {
  /** What it is about: the same while the same goes on, whatever figures stand in its sentences. */
  readonly topic: string;
  /** `alert`: writes fail, or data is at stake. `warning`: what protects them is away. `note`: goes on by itself. */
  readonly severity: 'alert' | 'warning' | 'note';
  /** A sentence. */
  readonly cause: string;
  /** What to do, with the command to type; a sentence. */
  readonly next: string;
}

/** A managed service's roles: also part of the JSON of `hotspare status -o json`. */
export interface FailoverSummary {
  /** Undefined: Consul could not be read by any member's agent. */
  readonly policy?: Policy;
  readonly record?: Record;
  /** The highest epoch that Consul or a member knows. */
  readonly epoch: number;
  /** Whose agent holds the lease. */
  readonly holder?: string;
  readonly order?: FailoverOrder;
  readonly members: readonly FailoverMember[];
  readonly findings: readonly Finding[];
}

export interface FailoverMember {
  readonly member: string;
  readonly epoch: number;
  readonly gate: 'open' | 'closed' | 'hold' | 'unknown';
  readonly timeline?: number;
  readonly position?: string;
  /** Whether it could be promoted now, and why not. */
  readonly promotable: { readonly ok: boolean; readonly why?: string };
  readonly row: string;
  readonly sentence: string;
}
