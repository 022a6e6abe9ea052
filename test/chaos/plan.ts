import type { Random } from '../../common/random.js';
import { kinds, type Fault, type Kind, type KindName, type Round } from './faults/kinds.js';

/** How many of ten rounds are pairs. */
const pairsOfTen = 4;
const pairGapMs = 2_000;
/** Of what may strike either member. */
const primaryShare = 0.65;

/**
 * The faults of a run, alone and in pairs: the same for the same seed. Each kind comes as often as every other, in an order of
 * chance. Which box is the primary when its turn comes is the run's affair, not the plan's.
 */
export function planOf(count: number, random: Random, only: readonly KindName[]): Round[] {
  const faults = shuffled(count, only, random).map((kind) => faultOf(kind, random));
  const rounds: Round[] = [];
  while (faults.length > 0) {
    const first = faults.shift() as Fault;
    const pauseMs = whole(500, 1_500, random);
    const isPair = random() * 10 < pairsOfTen;
    const secondAt = isPair ? faults.findIndex((other) => other.kind !== first.kind) : -1;
    const second = secondAt < 0 ? undefined : faults.splice(secondAt, 1)[0];
    rounds.push({
      pauseMs,
      faults: second ? [first, { ...second, afterMs: whole(0, pairGapMs, random) }] : [first],
    });
  }
  return rounds;
}

function faultOf(kind: KindName, random: Random): Fault {
  const { at, forMs }: Kind = kinds[kind];
  return {
    kind,
    at: at === 'primary' || at === 'standby' ? at : random() < primaryShare ? 'primary' : 'standby',
    forMs: whole(forMs[0], forMs[1], random),
    afterMs: 0,
    pick: Math.floor(random() * 1_000),
  };
}

const whole = (least: number, most: number, random: Random) =>
  least + Math.floor(random() * (most - least + 1));

/** Every kind once before one comes again. */
function shuffled(count: number, all: readonly KindName[], random: Random): KindName[] {
  const drawn: KindName[] = [];
  while (drawn.length < count) {
    const turn = [...all];
    for (let last = turn.length - 1; last > 0; last--) {
      const other = Math.floor(random() * (last + 1));
      [turn[last], turn[other]] = [turn[other]!, turn[last]!];
    }
    drawn.push(...turn.slice(0, count - drawn.length));
  }
  return drawn;
}

/** For people: `box-freeze of the primary for 4.2 s`. */
export function describe({ kind, at, forMs }: Fault): string {
  const where = kinds[kind].at === 'none' ? '' : ` of the ${at}`;
  return `${kind}${where}${forMs > 0 ? ` for ${(forMs / 1000).toFixed(1)} s` : ''}`;
}
