import type { Row } from '../row.js';
import { isPromoted, type View } from '../view.js';

/** So often in a row the keeper may fail to read the mark of a promotion before it is recorded without. */
const maxLooks = 5;

function isUnmarked({ self }: View): boolean {
  const last = self.history?.forks.at(-1);
  return last !== undefined && last.mark === undefined;
}

/** A promotion whose mark is not known yet (D4). */
export const markRows: readonly Row[] = [
  {
    id: 'read-mark',
    rules: ['D4', 'G2'],
    in: ['gated'],
    lease: ['mine'],
    condition:
      'it is promoted behind its gate, the record does not know it, its keeper has not read the mark of the promotion, and has failed fewer than five times',
    when: (view) => isPromoted(view) && isUnmarked(view) && view.state.failedPromotions < maxLooks,
    does: () => ({ kind: 'promote' }),
    doing: 'have the keeper go on from there: a record without the mark tells its followers too little',
    says: () => 'it is promoted behind its gate, and the mark of the promotion is read before it is recorded',
  },
];
