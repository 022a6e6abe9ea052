import { takeAllCores } from './support/busy.js';
import { endTurn, removeLeftOver, takeTurn } from './support/left-over.js';
import { whyNoBoxes } from './support/why-not.js';

/** For whoever works on these tests: the boxes stay, and the next run finds them as they are. */
const keep = process.env['HOTSPARE_TEST_KEEP'] === '1';

const busy = process.env['HOTSPARE_BUSY'] === '1';
let endBusy = () => {};

/** Whether this run has taken its turn: what another one is using is not removed. */
let isOurTurn = false;

/** Before the first file: what a killed run has left goes. After the last one: everything goes. */
export async function setup(): Promise<void> {
  const why = whyNoBoxes();
  if (why !== undefined) {
    console.warn(`\nSKIPPED: the five real boxes were not tested: ${why}\n`);
    return;
  }
  await takeTurn();
  isOurTurn = true;
  if (busy) endBusy = takeAllCores();
  if (keep) return;
  const left = removeLeftOver();
  if (left.length > 0) console.log(`of an earlier run, removed: ${left.join(', ')}`);
}

export function teardown(): void {
  if (!isOurTurn) return;
  endBusy();
  if (!keep) removeLeftOver();
  endTurn();
}
