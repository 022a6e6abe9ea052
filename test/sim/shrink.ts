import { breakages } from './world/breakage.js';
import type { Scenario } from './world/deeds.js';
import { play, type RunResult } from './world/run.js';

/** A scenario that violates an invariant once a rule is left out; absent: it did before it was mended. */
export interface Kept {
  readonly rule?: string | undefined;
  readonly invariant: string;
  /** For people. */
  readonly about: string;
  readonly scenario: Scenario;
}

/** Whether the scenario violates that invariant; what comes after is not looked at. */
export const violates = (scenario: Scenario, invariant: string, rule: string | undefined): boolean =>
  playKept({ scenario, invariant, rule }).violations.some((each) => each.invariant === invariant);

export const playKept = ({ scenario, invariant, rule }: Omit<Kept, 'about'>): RunResult =>
  play(
    scenario,
    rule === undefined ? undefined : breakages[rule],
    (violation) => violation.invariant === invariant,
  );

/** As few deeds as it takes, by leaving out ever smaller parts of them (ddmin), each for as short as it takes. */
export function shrink(
  whole: Scenario,
  invariant: string,
  rule: string | undefined,
  progress: (left: number) => void = () => {},
): Scenario {
  let best = whole;
  const isAsGood = (tried: Scenario): boolean => {
    if (!violates(tried, invariant, rule)) return false;
    best = tried;
    progress(best.deeds.length);
    return true;
  };
  for (const calmer of [{ unanswered: 0, late: 0 }, { late: 0 }, { unanswered: 0 }])
    if (isAsGood({ ...best, ...calmer })) break;
  for (let size = Math.ceil(best.deeds.length / 2); size >= 1; size = Math.floor(size / 2)) {
    // As long as something can be left out: what stood in its way may have gone.
    for (let before = Infinity; best.deeds.length < before;) {
      before = best.deeds.length;
      for (let at = best.deeds.length - size; at > -size; at -= size) {
        const deeds = best.deeds.filter((_, index) => index < at || index >= at + size);
        if (deeds.length < best.deeds.length) isAsGood({ ...best, deeds });
      }
    }
  }
  best.deeds.forEach((deed, at) => {
    const deeds = best.deeds.map((each, index) => (index === at ? { ...deed, forMs: 0 } : each));
    if (deed.forMs > 0) isAsGood({ ...best, deeds });
  });
  return best;
}
