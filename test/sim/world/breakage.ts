import type { Row } from '../../../agent/core/lead/row.js';
import { table } from '../../../agent/core/lead/rows/table.js';
import { awaited, candidate } from '../../../agent/core/lead/standbys.js';
import type { Policy, Record as FailoverRecord } from '../../../common/failover/shapes.js';
import { isHeir, isOrderFirst } from '../../../agent/core/lead/auto/auto.js';
import { isAtLeast, isPromoted, type View } from '../../../agent/core/lead/view.js';
import { anyIndex, type Op } from './consul.js';
import type { What } from './deeds.js';

/** What is switched off on purpose: a simulation that finds nothing then proves nothing. */
export interface Breakage {
  readonly rows: readonly Row[];
  readonly transaction: (ops: readonly Op[] | undefined) => readonly Op[] | undefined;
  readonly isGateOpenAtStart: boolean;
  /** The signal file is put back before Postgres removes it, and not before a start. */
  readonly isSignalPutTooEarly: boolean;
  readonly isOneBarrierEnough: boolean;
  /** What stands in the setting for a standby of that name. */
  readonly standbyName: (name: string) => string;
  /** Share of Consul's writes that have no answer. */
  readonly unanswered: number;
  /** Where the rule matters most: faults are placed there, so that few seeds are enough. */
  readonly focus?: Focus;
  /** A fence kills the postmaster, and whether it lives is all that is looked at. */
  readonly isPostmasterAll: boolean;
  readonly isStandbyUngated: boolean;
  readonly isHalfDoneStarted: boolean;
  /** Neither the history nor WAL shows it. */
  readonly isMarkIgnored: boolean;
}

export interface Focus {
  /** Every world is so, and not what its seed draws. */
  readonly policy?: Partial<Policy>;
  readonly members?: number;
  readonly isControlOnly?: boolean;
  /** What is done so often in a second, whatever the world. */
  readonly rates?: Readonly<Partial<Record<What, number>>>;
  /** Records of WAL that a standby takes in a tick, below 1; else up to 6. */
  readonly records?: number;
}

export const nothingBroken: Breakage = {
  rows: table,
  transaction: (ops) => ops,
  isGateOpenAtStart: false,
  isSignalPutTooEarly: false,
  isOneBarrierEnough: false,
  standbyName: (name) => name,
  isPostmasterAll: false,
  isStandbyUngated: false,
  isHalfDoneStarted: false,
  isMarkIgnored: false,
  unanswered: 0.1,
};

const without = (...ids: string[]): readonly Row[] => table.filter(({ id }) => !ids.includes(id));
const floorless = (record: FailoverRecord | undefined): FailoverRecord | undefined => {
  if (!record) return undefined;
  const { floor: _, ...rest } = record;
  return rest;
};
const changed = (id: string, change: (row: Row) => Row): readonly Row[] =>
  table.map((row) => (row.id === id ? change(row) : row));

/** Every row looks at another view. */
const seenBy = (look: (view: View) => View): readonly Row[] =>
  table.map((row) => ({
    ...row,
    ...(row.when ? { when: (view: View) => row.when?.(look(view)) ?? true } : {}),
    ...(row.does ? { does: (view: View) => row.does?.(look(view)) } : {}),
    says: (view) => row.says(look(view)),
  }));

/** As if no newer epoch were known than Consul shows. */
const forgetful = (view: View): View => ({
  ...view,
  state: {
    ...view.state,
    settledEpoch: view.state.settledEpoch && Math.min(view.state.settledEpoch, view.epoch),
  },
  seen: {
    ...view.seen,
    ledger: {
      ...view.seen.ledger,
      seenEpoch: Math.min(view.seen.ledger.seenEpoch, view.epoch),
      heardEpoch: undefined,
      held: Math.min(view.seen.ledger.held, view.epoch),
    },
    peers: new Map(
      [...view.seen.peers].map(([name, peer]) => [
        name,
        peer.kind === 'known' ? { ...peer, epoch: Math.min(peer.epoch, view.epoch) } : peer,
      ]),
    ),
  },
});

const autoPolicy = { durability: 'sync', promotion: 'auto', strict: false } as const;

const asIfAllFlushed = (view: View): View => {
  const { position, feeds } = view.self;
  return { ...view, self: { ...view.self, feeds: feeds.map((feed) => ({ ...feed, position })) } };
};

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
    focus: { policy: { durability: 'async', promotion: 'manual' }, rates: { switchover: 1.5, promote: 0 } },
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
  /** A standby is in the record as soon as one commit was seen to wait for it. */
  'R2-second': {
    ...nothingBroken,
    isOneBarrierEnough: true,
    // The agent's own look at what the standby has would cover for it.
    rows: changed('record-standby', (row) => ({
      ...row,
      when: (view) => row.when?.(asIfAllFlushed(view)) === true,
    })),
    focus: {
      policy: { durability: 'sync', strict: false, promotion: 'manual' },
      members: 2,
      rates: { cut: 1.5 },
      records: 0.7,
    },
  },
  /** Commits go on without a lost standby before the record says so. */
  R3: {
    ...nothingBroken,
    focus: { policy: { durability: 'sync', strict: false }, rates: { cut: 0.7 } },
    rows: [
      ...table
        .filter(({ id }) => id === 'standby-lost')
        .map((row): Row => ({
          ...row,
          when: (view) => row.when?.(view) === true && awaited(view.self).length > 0,
          does: () => ({ kind: 'open-gate', standbys: [] }),
        })),
      ...without('record-alone', 'standby-lost'),
    ],
  },
  /** One standby takes the place of another without the record of one in between. */
  R4: {
    ...nothingBroken,
    focus: { policy: { durability: 'sync', strict: true }, members: 3, rates: { cut: 0.7 } },
    rows: without('record-alone').map((row) =>
      row.id === 'standby-replaced'
        ? { ...row, does: (view) => ({ kind: 'add-standby', standby: candidate(view)?.standby ?? '' }) }
        : row,
    ),
  },
  /** A standby's name carries no incarnation: whoever streams under it satisfies commits. */
  R5: {
    ...nothingBroken,
    focus: { policy: { durability: 'sync' }, rates: { cut: 0.7 } },
    standbyName: (name) => name.replace(/\.i\d+$/, ''),
  },
  /** Nothing is asked of a member of the record but that it is in it. */
  'R5-floor': {
    ...nothingBroken,
    rows: without('below-floor').map((row) =>
      row.id === 'no-claim' || row.id === 'record-promotion'
        ? { ...row, when: (view: View) => row.when?.({ ...view, record: floorless(view.record) }) ?? true }
        : row,
    ),
  },
  /** A standby has no gate: promoted by hand, it acknowledges. */
  G1: { ...nothingBroken, isStandbyUngated: true },
  /** An older backup of Consul is obeyed, whatever newer epoch is known. */
  R6: { ...nothingBroken, rows: seenBy(forgetful), focus: { rates: { 'restore-consul': 0.2 } } },
  /** A rejoin that was cut off is started as if it were whole. */
  D2: {
    ...nothingBroken,
    isHalfDoneStarted: true,
    focus: { rates: { crash: 1.5, 'promote-recorded': 0.3, operate: 1 } },
  },
  /** Two histories that were begun at one place are taken for one. */
  'D4-mark': {
    ...nothingBroken,
    isMarkIgnored: true,
    focus: { rates: { 'promote-by-hand': 0.7, crash: 0.7 } },
  },
  /** A switchover's target is as far as the old holder by bytes alone. */
  'D4-target': {
    ...nothingBroken,
    focus: {
      policy: { promotion: 'manual' },
      members: 2,
      rates: { switchover: 1.5, 'promote-by-hand': 1, crash: 0.7, cut: 0 },
    },
    rows: changed('take-ordered', (row) => ({
      ...row,
      when: (view) =>
        view.order?.kind === 'switchover'
          ? view.order.handedOver &&
            view.order.to === view.me &&
            isAtLeast(view, view.self.position, view.shared.leader.value?.released?.position)
          : (row.when?.(view) ?? true),
    })),
  },
  /** A free lease is taken at once. */
  L3: {
    ...nothingBroken,
    focus: { policy: autoPolicy, isControlOnly: true },
    rows: without('stand-back', 'take-over-order').map((row) =>
      row.id === 'take-over' ? { ...row, when: (view: View) => isHeir(view) && !isOrderFirst(view) } : row,
    ),
  },
  /** As many failovers as there are losses. */
  L7: {
    ...nothingBroken,
    focus: { policy: { ...autoPolicy, maxFailovers: 1 }, rates: { 'switch-off': 0.4, operate: 0 } },
    rows: seenBy((view) => ({ ...view, policy: { ...view.policy, maxFailovers: 1_000 } })),
  },
  /** A fence kills the postmaster alone: a backend acknowledges a commit later. */
  F1: {
    ...nothingBroken,
    isPostmasterAll: true,
    focus: { policy: { durability: 'async', promotion: 'manual' }, rates: { promote: 1 } },
  },
  /** The signal file is put back before the end of recovery, which removes it. */
  'G2-signal': { ...nothingBroken, isSignalPutTooEarly: true },
  /** The lease is handed over behind a gate that the keeper opens again. */
  'G3-final': {
    ...nothingBroken,
    rows: [
      ...table
        .filter(({ id }) => id === 'make-final')
        .map((row): Row => ({
          ...row,
          does: ({ state }) => ({
            kind: 'release',
            released: { fenced: false, ...(state.barrier === undefined ? {} : { position: state.barrier }) },
            handOver: true,
          }),
        })),
      ...without('make-final', 'handed-over-open'),
    ],
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
