import type { ServiceStatus } from '../../../common/agent/status.js';

/** A sentence for each member of a union. */
export type Texts<U extends { readonly kind: string }> = {
  readonly [K in U['kind']]: (member: Extract<U, { kind: K }>) => string;
};

/** Why the agent could not find out, and whether the member itself answered, if only to say no: then it runs. */
export type ObstacleTexts<U extends { readonly kind: string }> = {
  readonly [K in U['kind']]: {
    readonly text: (member: Extract<U, { kind: K }>) => string;
    readonly hasAnswered: boolean;
  };
};

/** How much is believed at once. */
export interface Policy {
  /** So many probes in a row must have gone without an answer in time until that is believed; 1: the first is. */
  readonly missesToBelieve: number;
  /** The probe that is to confirm a miss gets this share of the deadline, up to 1. */
  readonly confirmingShare: number;
}

/** The unions of one kind; `never` where it has no member of its own. */
export interface Words {
  /** What a probe sees of a member that is well. A kind with roles has `role`, and `warnings` if it gives any. */
  readonly facts: { readonly kind: string };
  /** Why a member cannot serve, besides what any socket can suffer. Texts inside are stable: no counters, no times. */
  readonly trouble: { readonly kind: string };
  /** Why the agent could not find out. */
  readonly obstacle: { readonly kind: string };
  /** What is not well with a member that serves. */
  readonly warning: { readonly kind: string };
}

/** All that the core is told of a kind of service: what may be seen of it, how that is said, how soon it is believed. */
export interface KindOf<W extends Words, Probe = unknown> {
  /** Also the check's text in Consul, so it stays the same while the trouble does. */
  readonly troubles: Texts<W['trouble']>;
  readonly obstacles: ObstacleTexts<W['obstacle']>;
  readonly warnings: Texts<W['warning']>;
  readonly policy: Policy;
  /** What the check says while all is well. The role is not in it: the tag has that. */
  readonly passingText: (probe: Probe) => string;
  /** What the status shows of a member that was just seen. */
  readonly figures: (facts: W['facts']) => Partial<ServiceStatus>;
}
