import { assertNever } from '../../../common/assert-never.js';
import type { Role, Target } from '../../../common/names.js';
import { eligible, memberAgeMs, memberLagBytes } from '../../core/mode/eligible.js';
import type { Member, RouteConfig, State } from '../../core/model.js';
import { barred, trouble, withheldText } from '../../core/words/reasons.js';
import { stranger } from '../../core/words/remarks.js';
import { foreign } from '../../core/members/system.js';

/**
 * One member as its own sessions show it.
 *
 * @category Pool
 */
export interface MemberInfo extends Target {
  /** What it proves to be; null while it proves nothing. */
  readonly role: Role | null;
  /**
   * `proven`: a session of ours says what it is. `unknown`: it has not answered yet. `gone`: it cannot be used now. `foreign`: it
   * belongs to another database than ours and is never used, whatever lists it.
   */
  readonly state: 'proven' | 'unknown' | 'gone' | 'foreign';
  /** A sentence's end for people: `is the primary`, `refuses connections`; of another database: which, and which is ours. */
  readonly detail: string;
  /** Which database it belongs to, by its own word: the system identifier. Null: it has not said. */
  readonly systemId: string | null;
  /** Of the WAL that it last wrote as primary. Null: unknown, or it never was one that we saw. */
  readonly timeline: number | null;
  /** Bytes it is behind the newest WAL position known anywhere. Null: unknown. */
  readonly lagBytes: number | null;
  /** How old its data is at most, in whole ms. Null: unknown. */
  readonly lagMs: number | null;
}

/**
 * The members as proven by sessions; what Consul says counts for nothing here.
 *
 * @category Pool
 */
export interface Topology {
  /** Where {@link Pool} writes; null unless the mode is `read-write`. */
  readonly primary: Target | null;
  /** All that prove to be replicas, however far behind. */
  readonly replicas: readonly Target[];
  /** Who serves {@link Pool.read} now; any of them. */
  readonly readFrom: readonly Target[];
  /** All that are known, those that are gone included. */
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
  const { standing, target, epoch, told } = member;
  const strange = standing.kind !== 'gone' && foreign(state, member);
  const role = standing.kind === 'proven' && !strange ? standing.role : null;
  return {
    ...target,
    role,
    state: strange ? 'foreign' : standing.kind,
    detail: strange ? stranger(state, member) : detail(member, state),
    systemId: told?.systemId ?? null,
    timeline: epoch?.timeline ?? null,
    lagBytes: memberLagBytes(state, member),
    lagMs: whole(memberAgeMs(state, member, nowMs)),
  };
}

function detail({ standing, told, bars }: Member, { managed }: State): string {
  switch (standing.kind) {
    case 'gone':
      return trouble(standing.trouble);
    case 'unknown':
      return 'has not answered yet';
    case 'proven': {
      const withheld = told?.withheld ? `, and ${withheldText(told.withheld)}` : '';
      const bar = (['drained', 'stalled', 'gated'] as const).find((one) => managed && bars[one]);
      const what = standing.role === 'replica' ? 'is a replica' : bar ? barred(bar) : 'is the primary';
      return what + withheld;
    }
    default:
      return assertNever(standing);
  }
}

/** Upwards: it is a bound. */
const whole = (ms: number | null): number | null => (ms === null ? null : Math.ceil(ms));
