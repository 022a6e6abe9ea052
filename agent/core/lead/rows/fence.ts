import { writable, type Row } from '../row.js';
import { isOrdered, isOrderedAway, isShut, lostOrder, recorded, unfit, wasNewestHolder } from '../view.js';

/** What interrupts everything else: a member that may still acknowledge and no longer should. */
export const fenceRows: readonly Row[] = [
  {
    id: 'fence-newer',
    rules: ['L2', 'F1'],
    in: writable,
    lease: 'any',
    condition: 'the record is of another member and no older epoch, and the gate is not closed',
    when: (view) =>
      view.self.process === 'running' &&
      !isShut(view) &&
      view.record !== undefined &&
      view.record.epoch >= view.seen.ledger.held &&
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
    condition: 'an operator ordered the promotion of another member, which could be',
    when: (view) =>
      view.order?.kind === 'promote' &&
      isOrderedAway(view) &&
      view.self.process === 'running' &&
      unfit(view, view.order.to) === undefined &&
      // Whoever wrote the newest record and runs is not put aside for one that was lost, unless the operator says so.
      (!view.order.recordLost ||
        (lostOrder(view) !== undefined && (view.order.oldPrimaryIsOff || !wasNewestHolder(view)))),
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
  {
    id: 'start-over',
    rules: ['G2', 'O1'],
    in: ['gated'],
    lease: ['free', 'other'],
    condition: 'an operator ordered this member, which was promoted without the lease',
    when: (view) => isOrdered(view) && view.self.process === 'running',
    does: () => ({ kind: 'fence' }),
    doing: 'fence it: started again it is a standby, which can be promoted',
    says: () => 'it was promoted and has lost the lease: it starts over as a standby',
  },
];
