import type { LeadAction } from '../model.js';
import type { Row } from '../row.js';
import { isOrderedAway, isRecorded, leaving, type View } from '../view.js';

function letGo({ self }: View): LeadAction {
  const { position } = self;
  return {
    kind: 'release',
    released: { fenced: true, ...(position === undefined ? {} : { position }) },
    handOver: false,
  };
}

/** The order first: with it in place the lease would be taken again. */
const giveUp = (view: View, why: string): LeadAction =>
  view.order ? { kind: 'drop-order', id: view.order.id, why } : letGo(view);

/** A promotion that failed so often in a row is not tried again for a switchover: the old holder goes on. */
const maxPromotions = 3;

/** A member that holds the lease and cannot, or may not, use it. */
export const handBackRows: readonly Row[] = [
  {
    id: 'released-fenced',
    rules: ['F2', 'O1', 'L6'],
    in: ['stopped', 'standby', 'empty', 'half-rejoined'],
    lease: ['mine'],
    condition: 'an operator ordered the promotion of another member, and this one acknowledges nothing',
    when: (view) => view.order?.kind === 'promote' && isOrderedAway(view),
    does: (view) => letGo(view),
    doing: 'let the lease go, and say that it is fenced',
    says: () => 'an operator ordered the promotion of another member: the lease is let go',
  },
  {
    id: 'crashed-on-the-way',
    rules: ['O4'],
    in: ['standby'],
    lease: ['mine'],
    condition: 'the holder was restarted during a switchover',
    when: (view) => leaving(view) !== undefined,
    does: (view) => ({
      kind: 'drop-order',
      id: view.order?.id ?? '',
      why: `${view.me} was restarted on the way`,
    }),
    doing: 'give the switchover up',
    says: () => 'the primary was restarted during the switchover, which is given up',
  },
  {
    id: 'useless',
    rules: ['R1', 'O4'],
    in: ['stopped', 'empty', 'half-rejoined'],
    lease: ['mine'],
    condition: 'this member took the lease on an order and does not run',
    when: (view) => !isRecorded(view),
    does: (view) => giveUp(view, `${view.me} does not run`),
    doing: 'drop the order, then let the lease go',
    says: () => 'it does not run: the lease is let go',
  },
  {
    id: 'cannot-promote',
    rules: ['O4'],
    in: ['standby'],
    lease: ['mine'],
    condition: 'its promotion for a switchover failed three times',
    when: (view) =>
      view.order?.kind === 'switchover' &&
      !isRecorded(view) &&
      view.state.retry?.kind === 'promote' &&
      view.state.retry.failures >= maxPromotions,
    does: (view) => giveUp(view, `${view.me} could not be promoted`),
    doing: 'drop the order, then let the lease go',
    says: () => 'it could not be promoted: the lease is let go, and the old primary goes on',
  },
];
