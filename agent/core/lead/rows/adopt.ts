import type { Record } from '../../../../common/failover/shapes.js';
import { failoversAfter } from '../auto/auto.js';
import type { LeadAction } from '../model.js';
import { after, type Row } from '../row.js';
import { isPromoted, isRecorded, isSameCopy, knownPeer, others, recorded, type View } from '../view.js';

/** So long, in ms, one that is on its way to open its gate has either opened it or seen that Consul does not name it. */
const strayMs = 5_000;

/** It was promoted by hand, or for a record that is lost, and has stayed behind its gate: it acknowledges nothing (G1). */
const isStray = ({ state, nowMs }: View, name: string) => {
  const sinceMs = state.shutMs[name];
  return sinceMs !== undefined && nowMs - sinceMs >= strayMs;
};

/** Why the one running primary may not be taken into management yet; undefined: it may (R6). */
export function hindrance(view: View): string | undefined {
  for (const name of others(view)) {
    const peer = knownPeer(view, name);
    if (!peer || peer.self.kind === 'unknown') return `${name} does not answer`;
    const { data, writable, process, origin } = peer.self;
    if (data === 'present' && writable && process === 'running' && !isStray(view, name))
      return `${name} is writable as well`;
    if (origin !== undefined && origin !== view.self.origin) return `${name} has another database`;
    if (peer.epoch > Math.max(view.seen.ledger.seenEpoch, view.epoch))
      return `${name} knows epoch ${peer.epoch}`;
  }
  return undefined;
}

const isRunningPrimary = ({ self }: View) =>
  self.data === 'present' && self.process === 'running' && self.writable;

/** From "observe" to "managed", without a restart (R6). */
export const adoptRows: readonly Row[] = [
  {
    id: 'adopt-primary',
    rules: ['R6'],
    in: ['unmanaged'],
    lease: ['free', 'mine'],
    condition: 'Consul holds no record, this is the one running primary, and all other members say so',
    when: (view) => isRunningPrimary(view) && !view.record && hindrance(view) === undefined,
    // Whatever it remembers, it is now the one that may write the record.
    does: (view) =>
      after(
        view,
        { holder: true, held: Math.max(view.seen.ledger.seenEpoch, view.epoch) },
        { kind: 'manage', gate: 'as-is' },
      ),
    doing: 'take the running primary into management',
    says: () => 'the running primary is taken into management',
  },
  {
    id: 'adopt-primary-wait',
    rules: ['R6'],
    in: ['unmanaged'],
    lease: 'any',
    condition: 'Consul holds no record, this is a running primary, and another member stands in the way',
    when: (view) => isRunningPrimary(view) && !view.record,
    doing: 'wait',
    wakeAfterMs: 1_000,
    says: (view) => `not taken into management: ${hindrance(view) ?? 'another agent holds the lease'}`,
  },
  {
    id: 'adopt-recorded',
    rules: ['R6'],
    in: ['unmanaged'],
    // Its own: a record that was written late may come after it was let go (R1).
    lease: ['free', 'mine'],
    condition:
      'the record names this member, which runs as the primary with the same data and history, and all other members say so',
    when: (view) =>
      isRunningPrimary(view) &&
      isRecorded(view) &&
      isSameCopy(view) &&
      !isPromoted(view) &&
      hindrance(view) === undefined,
    does: (view) => after(view, { epoch: view.epoch, holder: true }, { kind: 'manage', gate: 'as-is' }),
    doing: 'take the running primary into management again',
    says: () => 'the primary that the record names is taken into management again',
  },
  {
    id: 'adopt-standby',
    rules: ['R6', 'D1', 'G1'],
    in: ['unmanaged'],
    lease: 'any',
    condition:
      'the record names another member, and this one is of the same database and not a running primary',
    when: (view) =>
      view.record !== undefined &&
      recorded(view) !== view.me &&
      !isRunningPrimary(view) &&
      (view.self.origin === undefined || view.self.origin === view.record.history.systemId),
    does: () => ({ kind: 'manage', gate: 'close' }),
    doing: 'take the standby into management',
    says: () => 'the standby is taken into management',
  },
  {
    id: 'unmanaged',
    rules: ['R6', 'D4'],
    in: ['unmanaged'],
    lease: 'any',
    doing: 'wait',
    says: (view) =>
      !view.record
        ? 'not managed yet: this is not a running primary, and Consul names none'
        : recorded(view) === view.me
          ? 'the record names this member, and its keeper does not manage it: was its state folder lost?'
          : view.self.origin !== view.record.history.systemId
            ? 'this is another database than the one that the record describes'
            : `it runs as a primary beside ${recorded(view)}: stop it, then order "hotspare reinit ${view.me}"`,
  },
];

/** This member alone, as in `async` (R9); with its history, which tells others whether they belong to it (D4). */
export function recordOf(view: View, epoch: number): Record | undefined {
  const { self, me, policy } = view;
  const { seenEpoch, seenRevision = 0 } = view.seen.ledger;
  if (!self.history) return undefined;
  return {
    epoch,
    // Written anew after Consul has lost it: a backup may hold an earlier one of this epoch.
    ...(epoch === seenEpoch ? { revision: seenRevision + 1 } : {}),
    durability: policy.durability,
    members: [{ name: me, incarnation: self.incarnation }],
    ...(self.position === undefined ? {} : { floor: self.position }),
    ...failoversAfter(view),
    history: self.history,
  };
}

/** Undefined while the history cannot be read. */
export function writeRecord(view: View, epoch: number, isOrderDone = false): LeadAction | undefined {
  const record = recordOf(view, epoch);
  return (
    record &&
    after(
      view,
      { epoch, holder: true },
      { kind: 'write-record', record, isOrderDone, isRecordLost: view.record === undefined },
    )
  );
}
