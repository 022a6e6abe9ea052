import type { Record } from '../../../../common/failover/shapes.js';
import type { LeadAction } from '../model.js';
import { after, take, type Row } from '../row.js';
import { knownPeer, others, recorded, type View } from '../view.js';

/** Why the one running primary may not be taken into management yet; undefined: it may (R6). */
function hindrance(view: View): string | undefined {
  for (const name of others(view)) {
    const peer = knownPeer(view, name);
    if (!peer || peer.self.kind === 'unknown') return `${name} does not answer`;
    const { data, writable, process, origin } = peer.self;
    if (data === 'present' && writable && process === 'running') return `${name} is writable as well`;
    if (origin !== undefined && origin !== view.self.origin) return `${name} has another database`;
    if (peer.epoch > view.seen.ledger.seenEpoch) return `${name} knows epoch ${peer.epoch}`;
  }
  return undefined;
}

/** A record that was lost is written again only by whom it named last. */
const mayBegin = ({ seen: { ledger } }: View) =>
  ledger.seenEpoch === 0 || (ledger.holder && ledger.held >= ledger.seenEpoch);

const isRunningPrimary = ({ self }: View) =>
  self.data === 'present' && self.process === 'running' && self.writable;

/** From "observe" to "managed", without a restart; and the record that was lost with Consul's data (R6). */
export const adoptRows: readonly Row[] = [
  {
    id: 'adopt-primary',
    rules: ['R6'],
    in: ['unmanaged'],
    lease: ['free', 'mine'],
    condition: 'Consul holds no record, this is the one running primary, and all other members say so',
    when: (view) => isRunningPrimary(view) && !view.record && hindrance(view) === undefined,
    does: () => ({ kind: 'manage', gate: 'as-is' }),
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
  {
    id: 'first-lease',
    rules: ['R6', 'R1'],
    in: ['open', 'gated'],
    lease: ['free'],
    condition: 'Consul holds no record, and no other member knows a newer epoch',
    when: (view) => !view.record && mayBegin(view) && hindrance(view) === undefined,
    does: (view) => {
      const epoch = Math.max(1, view.seen.ledger.seenEpoch, view.seen.ledger.epoch);
      return take(view, epoch, view.epoch === 0 ? recordOf(view, epoch) : undefined);
    },
    doing: 'take the lease, and write the record with it',
    says: () => 'Consul holds no record: the running primary takes the lease',
  },
  {
    id: 'first-record',
    rules: ['R6', 'R1', 'D5'],
    in: ['open', 'gated'],
    lease: ['mine'],
    condition: 'Consul holds no record, and no other member knows a newer epoch',
    when: (view) =>
      !view.record && mayBegin(view) && hindrance(view) === undefined && view.self.history !== undefined,
    does: (view) => writeRecord(view, Math.max(1, view.seen.ledger.seenEpoch, view.seen.ledger.epoch)),
    doing: 'write the record',
    says: () => 'the running primary writes the record',
  },
  {
    id: 'record-lost',
    rules: ['R6'],
    in: ['open', 'gated', 'standby', 'stopped', 'empty', 'half-rejoined'],
    lease: 'any',
    condition: 'Consul holds no record',
    when: (view) => !view.record,
    doing: 'wait',
    wakeAfterMs: 1_000,
    says: (view) =>
      `Consul holds no record of who has every commit (${hindrance(view) ?? 'no running primary has written it yet'})`,
  },
];

/** This member alone, as in `async` (R9); with its history, which tells others whether they belong to it (D4). */
export function recordOf({ self, me, policy }: View, epoch: number): Record | undefined {
  if (!self.history) return undefined;
  return {
    epoch,
    durability: policy.durability,
    members: [{ name: me, incarnation: self.incarnation }],
    ...(self.position === undefined ? {} : { floor: self.position }),
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
