import { nothingBroken, type Breakage } from './world/breakage.js';
import { run } from './world/run.js';

/** A tick of the world, in simulated ms. */
const tickMs = 10;

export interface Simulated {
  readonly seeds: number;
  readonly ticks: number;
  readonly roleChanges: number;
  readonly maxUnavailableMs: number;
  readonly violations: readonly {
    readonly seed: number;
    readonly invariant: string;
    readonly tick: number;
  }[];
}

/** So many seeds from the first on; of each seed every invariant once, at the tick where it was violated first. */
export function simulate(asked: {
  readonly first: number;
  readonly seeds: number;
  readonly broken?: Breakage | undefined;
  readonly progress?: (done: number) => void;
}): Simulated {
  let [ticks, roleChanges, maxUnavailableMs] = [0, 0, 0];
  const violations: Simulated['violations'][number][] = [];
  for (let done = 0; done < asked.seeds; done += 1) {
    const seed = asked.first + done;
    const { world, violations: found } = run(seed, asked.broken ?? nothingBroken);
    ticks += world.nowMs / tickMs;
    roleChanges += world.roleChanges;
    maxUnavailableMs = Math.max(maxUnavailableMs, world.maxUnavailableMs);
    const first = new Map<string, number>();
    for (const { invariant, atMs } of found) if (!first.has(invariant)) first.set(invariant, atMs / tickMs);
    for (const [invariant, tick] of first) violations.push({ seed, invariant, tick });
    asked.progress?.(done + 1);
  }
  return { seeds: asked.seeds, ticks, roleChanges, maxUnavailableMs, violations };
}
