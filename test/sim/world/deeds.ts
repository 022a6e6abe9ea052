import type { Policy } from '../../../common/failover/shapes.js';
import type { Random } from '../../../common/random.js';
import { seededRandom } from '../../support/random.js';
import { asyncPolicy } from './agent.js';
import type { Breakage } from './breakage.js';

/** What is done to a world from outside. `operate`: somebody looks at status and does what it says. */
export type What =
  | 'switchover'
  | 'crash'
  | 'kill-postmaster'
  | 'kill-agent'
  | 'lose-sessions'
  | 'keeper-away'
  | 'stall'
  | 'cut'
  | 'cut-off-agent'
  | 'change-policy'
  | 'promote-recorded'
  | 'impostor'
  | 'restore-box'
  | 'switch-off'
  | 'freeze'
  | 'isolate'
  | 'hang'
  | 'promote-by-hand'
  | 'operate'
  | 'lose-consul'
  | 'restore-consul'
  | 'observe'
  | 'sessions-unread'
  | 'promote'
  | 'consul-away'
  | 'stop';

/** Plain data: whether it makes sense by then is looked at when it is done. */
export interface Deed {
  readonly atMs: number;
  readonly what: What;
  readonly member: string;
  /** How long what it takes away stays away, in ms. */
  readonly forMs: number;
  /** After so long Consul notices, in ms. */
  readonly noticedMs: number;
  /** From 0 to 1: which of those that there are by then. */
  readonly luck: number;
}

/** A world and all that befalls it; the same again gives the same again. */
export interface Scenario {
  /** Of all that takes its time. */
  readonly seed: number;
  readonly members: readonly string[];
  readonly policy: Policy;
  /** Nothing is done but to agents, keepers, sessions and Consul: no role may move (invariant 7). */
  readonly isControlOnly: boolean;
  /** Shares of Consul's writes that have no answer, and of its reads whose answer is late. */
  readonly unanswered: number;
  readonly late: number;
  readonly deeds: readonly Deed[];
}

/** How long faults go on, in simulated ms; and the calm before. */
export const faultsMs = 30_000;
export const calmMs = 1_000;

interface Kind {
  /** So often in a second; where promotions come by themselves, less often: what was lost has some time to come back. */
  readonly perSecond: number;
  readonly is?: (about: About) => boolean;
  readonly forMs?: (random: Random) => number;
  readonly isOfControl?: true;
  /** Drawn by itself, so that all else befalls a seed as it did before there was this. */
  readonly comesLater?: true;
}

interface About {
  readonly seed: number;
  readonly policy: Policy;
  /** One of these in a world: what one takes away, another would need as its proof. */
  readonly worst: number;
}

const upTo = (ms: number) => (random: Random) => 50 + random() * ms;
const isAuto = ({ policy }: About) => policy.promotion === 'auto';
const isSync = ({ policy }: About) => policy.durability === 'sync';
const boxMs = (random: Random) => 200 + random() * (random() < 0.5 ? 1_500 : 6_000);

export const kinds: Readonly<Record<What, Kind>> = {
  switchover: { perSecond: 0.5 },
  crash: { perSecond: 0.25, forMs: upTo(2_000) },
  'kill-postmaster': { perSecond: 0.1, forMs: upTo(2_000) },
  'kill-agent': { perSecond: 0.3, forMs: upTo(3_000), isOfControl: true },
  'lose-sessions': { perSecond: 0.15, isOfControl: true },
  'keeper-away': { perSecond: 0.15, forMs: upTo(3_000), isOfControl: true },
  stall: { perSecond: 0.3, forMs: (random) => random() * (random() < 0.3 ? 5_000 : 1_500) },
  cut: { perSecond: 0.1, forMs: (random) => random() * 4_000 },
  'cut-off-agent': { perSecond: 0.15, forMs: upTo(6_000), isOfControl: true },
  'change-policy': { perSecond: 0.05, is: isSync },
  'promote-recorded': { perSecond: 0.1, is: isSync },
  impostor: { perSecond: 0.1, is: isSync },
  'restore-box': { perSecond: 0.1, is: (about) => isSync(about) && about.worst > 1 },
  // One box at a time; where nothing is promoted by itself, an operator would have to come.
  'switch-off': { perSecond: 0.25, is: isAuto, forMs: boxMs },
  freeze: { perSecond: 0.25, is: isAuto, forMs: boxMs },
  isolate: { perSecond: 0.25, is: isAuto, forMs: boxMs },
  hang: { perSecond: 0.15, is: isAuto, forMs: boxMs },
  'promote-by-hand': { perSecond: 0.1 },
  operate: { perSecond: 0.2 },
  'lose-consul': { perSecond: 0.1, is: ({ worst }) => worst === 0 },
  'restore-consul': { perSecond: 0.1, is: ({ worst }) => worst === 1 },
  observe: { perSecond: 0.1, is: ({ worst }) => worst === 2, forMs: (random) => 500 + random() * 6_000 },
  'sessions-unread': { perSecond: 0.15, forMs: upTo(3_000), isOfControl: true },
  // Every fourth world has an operator who promotes.
  promote: { perSecond: 0.1, is: ({ seed }) => seed % 4 === 0 },
  'consul-away': { perSecond: 0.1, forMs: upTo(3_000), isOfControl: true },
  stop: { perSecond: 0.25, is: isAuto, forMs: upTo(2_000), comesLater: true },
};

const everyKind = Object.entries(kinds) as [What, Kind][];

/** All that a seed draws. */
export function scenarioOf(seed: number, { focus, unanswered }: Breakage): Scenario {
  // Every third with three members.
  const members = ['pg1', 'pg2', 'pg3'].slice(0, focus?.members ?? (seed % 3 === 0 ? 3 : 2));
  const policy = { ...policyOf(seed), ...focus?.policy };
  const isControlOnly = focus?.isControlOnly ?? seed % 10 === 7;
  const about: About = { seed, policy, worst: seed % 5 };
  const deeds = [false, true].flatMap((comesLater) => {
    const random = seededRandom(seed * (comesLater ? 15_485_863 : 6_700_417));
    const some = everyKind.filter(([, kind]) => (kind.comesLater ?? false) === comesLater);
    return drawn(random, some, { about, focus, isControlOnly, members });
  });
  deeds.sort((a, b) => a.atMs - b.atMs);
  return { seed, members, policy, isControlOnly, unanswered, late: 0.1, deeds };
}

interface Frame {
  readonly about: About;
  readonly focus: Breakage['focus'];
  readonly isControlOnly: boolean;
  readonly members: readonly string[];
}

function drawn(
  random: Random,
  some: readonly [What, Kind][],
  { about, focus, isControlOnly, members }: Frame,
): Deed[] {
  const deeds: Deed[] = [];
  for (let atMs = calmMs; atMs < faultsMs; atMs += 10)
    for (const [what, kind] of some) {
      const focused = focus?.rates?.[what];
      const rate = focused ?? kind.perSecond * (isControlOnly ? 2 : isAuto(about) ? 0.4 : 1);
      if (random() >= rate / 100) continue;
      const [which, luck, noticed] = [random(), random(), random()];
      const forMs = kind.forMs?.(random) ?? 0;
      if (isControlOnly && !kind.isOfControl) continue;
      if (focused === undefined && kind.is && !kind.is(about)) continue;
      deeds.push({
        atMs,
        what,
        member: members[Math.floor(which * members.length)] as string,
        forMs: Math.round(forMs),
        noticedMs: Math.round(kind.isOfControl ? 300 + noticed * 1_500 : 1_200 + noticed * 300),
        // Below 1, as a share of a list has to be.
        luck: Math.min(0.999, Math.round(luck * 1_000) / 1_000),
      });
    }
  return deeds;
}

/** A third of the worlds loses acknowledged writes by a promotion, where an operator wants it so; the others never do. */
function policyOf(seed: number): Policy {
  const luck = seededRandom(seed * 7919)();
  const isSyncWorld = luck >= 0.35;
  const isAutoWorld = isSyncWorld && seededRandom(seed * 104_729)() < 0.5;
  return {
    ...asyncPolicy,
    durability: isSyncWorld ? 'sync' : 'async',
    promotion: isAutoWorld ? 'auto' : 'manual',
    // Where it is 3, an operator has to come now and then.
    ...(isAutoWorld && seed % 4 === 3 ? {} : { maxFailovers: 1_000 }),
    strict: luck > (seed % 3 === 0 ? 0.65 : 0.85),
  };
}
