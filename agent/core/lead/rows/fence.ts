import { writable, type Row } from '../row.js';
import { isOrderedAway, isShut, recorded } from '../view.js';

/** What interrupts everything else: a member that may still acknowledge and no longer should. */
export const fenceRows: readonly Row[] = [
  {
    id: 'fence-newer',
    rules: ['L2', 'F1'],
    in: writable,
    lease: ['free', 'other'],
    condition: 'the record is of a newer epoch and another member, and the gate is not closed',
    when: (view) =>
      view.self.process === 'running' &&
      !isShut(view) &&
      view.record !== undefined &&
      view.record.epoch > view.seen.ledger.epoch &&
      recorded(view) !== view.me,
    does: () => ({ kind: 'fence' }),
    doing: 'fence',
    says: (view) => `${recorded(view)} was promoted in epoch ${view.record?.epoch}: this member is fenced`,
  },
  {
    id: 'fence-ordered',
    rules: ['O1', 'F1', 'F2'],
    in: writable,
    lease: 'any',
    condition: 'an operator ordered the promotion of another member',
    when: (view) => view.order?.kind === 'promote' && isOrderedAway(view) && view.self.process === 'running',
    does: () => ({ kind: 'fence' }),
    doing: 'fence',
    says: ({ order }) =>
      `an operator ordered the promotion of ${order?.kind === 'promote' ? order.to : 'another member'}: this member is fenced`,
  },
  {
    id: 'handed-over-open',
    rules: ['G3', 'O4'],
    in: ['open'],
    lease: ['free', 'other'],
    condition: 'this member has handed the lease over and its gate is not closed',
    when: (view) => view.order?.kind === 'switchover' && view.order.handedOver && view.order.from === view.me,
    does: () => ({ kind: 'close-gate' }),
    doing: 'close the gate',
    says: () => 'the lease was handed over: the gate is closed',
  },
];
