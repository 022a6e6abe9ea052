import type { Row } from '../../../agent/core/lead/row.js';
import { table } from '../../../agent/core/lead/rows/table.js';
import { isPromoted, type View } from '../../../agent/core/lead/view.js';
import { anyIndex, type Op } from './consul.js';

/** What is switched off on purpose: a simulation that finds nothing then proves nothing. */
export interface Breakage {
  readonly rows: readonly Row[];
  readonly transaction: (ops: readonly Op[] | undefined) => readonly Op[] | undefined;
  readonly isGateOpenAtStart: boolean;
  /** Share of Consul's writes that have no answer. */
  readonly unanswered: number;
}

export const nothingBroken: Breakage = {
  rows: table,
  transaction: (ops) => ops,
  isGateOpenAtStart: false,
  unanswered: 0.1,
};

const without = (...ids: string[]): readonly Row[] => table.filter(({ id }) => !ids.includes(id));
const changed = (id: string, change: (row: Row) => Row): readonly Row[] =>
  table.map((row) => (row.id === id ? change(row) : row));

/** By the rule that is broken. */
export const breakages: Readonly<Record<string, Breakage>> = {
  /** A member that is started acknowledges as if it were the holder. */
  'G1-start': { ...nothingBroken, isGateOpenAtStart: true },
  /** Writes to Consul name neither session nor index. */
  'R1-session': {
    ...nothingBroken,
    unanswered: 0.5,
    transaction: (ops) =>
      ops
        ?.filter(({ verb }) => verb !== 'check-session' && verb !== 'check-index')
        .map((op) => ('index' in op ? { ...op, index: anyIndex } : op)),
  },
  /** The gate opens though a handing over without an answer may still be applied: nothing that it names has moved. */
  'R1-settle': {
    ...nothingBroken,
    unanswered: 0.6,
    transaction: (ops) =>
      ops?.some(({ verb }) => verb === 'unlock')
        ? ops
            .filter(({ verb }) => verb !== 'check-index')
            .map((op) => (op.verb === 'cas' ? { ...op, index: anyIndex } : op))
        : ops,
    rows: without('confirm').map((row) =>
      row.id === 'open-gate' ? { ...row, when: ({ record, me }) => record?.members[0]?.name === me } : row,
    ),
  },
  /** The lease goes over though commits are still acknowledged. */
  'O4-gate': {
    ...nothingBroken,
    rows: [
      ...table.filter(({ id }) => id === 'hand-over').map((row): Row => ({ ...row, in: ['open', 'gated'] })),
      ...table,
    ],
  },
  /** The gate is made final though the target does not have what stood before it. */
  'O4-caught-up': {
    ...nothingBroken,
    rows: changed('make-final', (row) => ({
      ...row,
      when: ({ self, order }) => self.gate.kind === 'hold' && order?.kind === 'switchover',
    })).map((row) =>
      row.id === 'hand-over'
        ? {
            ...row,
            when: ({ order, me }) => order?.kind === 'switchover' && !order.handedOver && order.from === me,
          }
        : row.id === 'take-ordered'
          ? {
              ...row,
              when: ({ order, me }) => order?.kind === 'switchover' && order.handedOver && order.to === me,
            }
          : row,
    ),
  },
  /** Whoever holds the lease is promoted, whatever the record says. */
  'R9-named': {
    ...nothingBroken,
    rows: [
      ...table
        .filter(({ id }) => id === 'take-recorded')
        .map((row): Row => ({ ...row, when: ({ record }) => record !== undefined })),
      ...without('no-claim').map((row) =>
        row.id === 'record-promotion' ? { ...row, when: (view: View) => isPromoted(view) } : row,
      ),
    ],
  },
};
