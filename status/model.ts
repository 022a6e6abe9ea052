import type { AgentStatus, MemberState, ServiceStatus } from '../common/agent/status.js';
import type { FailoverReading, FailoverSummary } from './failover/model.js';
import type { CheckStatus, Mode, Role } from '../common/names.js';

/** What was read, before anything is concluded from it. */
export interface Readings {
  readonly service: string;
  readonly consul: ConsulReading;
  /** One per agent asked. */
  readonly agents: readonly AgentReading[];
  /** What the members' agents say of the roles, one per agent asked; absent: not asked. */
  readonly failover?: readonly FailoverReading[];
}

export type ConsulReading =
  | { readonly kind: 'read'; readonly entries: readonly ConsulEntry[] }
  | { readonly kind: 'failed'; readonly why: string };

/** A member as Consul lists it. */
export interface ConsulEntry {
  readonly box: string;
  readonly address: string;
  readonly port: number;
  readonly role: Role | undefined;
  /** The worst of the member's checks, its box's included. */
  readonly status: CheckStatus;
  /** What the check that is worst says. */
  readonly text: string;
  /** Somebody stands behind `status`: the box's Consul is alive, and no check's time to live ran out. */
  readonly heard: boolean;
  /** Base URL of the box's agent, when one registered the member. */
  readonly agentUrl: string | undefined;
}

export type AgentReading =
  | { readonly kind: 'read'; readonly url: string; readonly status: AgentStatus }
  | { readonly kind: 'failed'; readonly url: string; readonly why: string };

// ---- what is concluded: also the JSON of `hotspare status -o json`

export interface Summary {
  readonly service: string;
  /** What an app can do; null when what was read does not tell. */
  readonly mode: Mode | null;
  /** Since when the mode is what it is, ISO 8601; absent when nobody could tell. */
  readonly since?: string;
  readonly degraded: boolean;
  /** Sentences; empty when all is well. */
  readonly why: readonly string[];
  readonly members: readonly MemberSummary[];
  readonly consul: { readonly reachable: boolean; readonly detail?: string };
  /** What `promotion: auto` would do, one sentence a member, while roles are only observed. */
  readonly rehearsal?: readonly { readonly member: string; readonly sentence: string }[];
  /** Of a managed service. */
  readonly failover?: FailoverSummary;
}

export interface MemberSummary extends Partial<
  Pick<ServiceStatus, 'role' | 'since' | 'lsn' | 'lagBytes' | 'timeline' | 'streaming' | 'freeBytes'>
> {
  readonly box: string;
  readonly address: string;
  readonly port: number;
  readonly state: MemberState;
  /** Who said so: the box's agent, or Consul because the agent did not answer. */
  readonly source: 'agent' | 'consul';
  readonly detail: string;
}
