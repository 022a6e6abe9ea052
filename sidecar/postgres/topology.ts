import type { Role, Target } from '../../common/names.js';
import { eligible, memberAgeMs, memberLagBytes } from '../core/eligible.js';
import type { Member, RouteConfig, State } from '../core/model.js';
import { trouble } from '../core/reasons.js';

/** One member as its own sessions show it. */
export interface MemberInfo extends Target {
  /** What it last proved to be; null while it proves nothing. */
  readonly role: Role | null;
  readonly state: 'proven' | 'unknown' | 'gone';
  /** A sentence's end for people: `is the primary`, `refuses connections`. */
  readonly detail: string;
  /** Of the WAL that a primary last wrote. Null: unknown. */
  readonly timeline: number | null;
  /** Bytes it is behind the newest WAL position known anywhere. Null: unknown. */
  readonly lagBytes: number | null;
  /** How old its data is at most, ms. Null: unknown. */
  readonly lagMs: number | null;
}

/** The members as proven by sessions; what Consul says counts for nothing here. */
export interface Topology {
  readonly primary: Target | null;
  readonly replicas: readonly Target[];
  /** Who serves `pool.read` now; any of them. */
  readonly readFrom: readonly Target[];
  readonly members: readonly MemberInfo[];
}

export const emptyTopology: Topology = { primary: null, replicas: [], readFrom: [], members: [] };

export function topologyOf(state: State, nowMs: number, config: RouteConfig): Topology {
  const members = [...state.members.values()].map((member) => describe(state, member, nowMs));
  return {
    primary: state.writer,
    replicas: members.filter(({ role }) => role === 'replica').map(({ host, port }) => ({ host, port })),
    readFrom: eligible(state, 'read', config),
    members,
  };
}

function describe(state: State, member: Member, nowMs: number): MemberInfo {
  const { standing, target, epoch } = member;
  const role = standing.kind === 'proven' ? standing.role : null;
  return {
    ...target,
    role,
    state: standing.kind,
    detail:
      standing.kind === 'gone'
        ? trouble(standing.trouble)
        : standing.kind === 'proven'
          ? `is ${standing.role === 'primary' ? 'the primary' : 'a replica'}`
          : 'has not answered yet',
    timeline: epoch?.timeline ?? null,
    lagBytes: memberLagBytes(state, member),
    lagMs: memberAgeMs(state, member, nowMs),
  };
}
