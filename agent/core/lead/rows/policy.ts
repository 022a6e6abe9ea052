import type { Ledger } from '../model.js';
import type { Row } from '../row.js';
import { isRecorded, type View } from '../view.js';

/** What an operator's policy leaves to be done. */
export const policyRows: readonly Row[] = [
  {
    id: 'let-go',
    rules: ['R6'],
    in: ['empty', 'half-rejoined', 'stopped', 'standby', 'open'],
    lease: 'any',
    condition: 'the policy says roles: observe, and Consul holds no record any more',
    when: ({ policy, record }) => policy.roles === 'observe' && !record,
    does: () => ({ kind: 'release-management' }),
    doing: 'let the member go',
    says: () => 'roles are observed only: the member is let go',
  },
  {
    id: 'observe',
    rules: ['R6'],
    in: 'any',
    lease: 'any',
    condition: 'the policy says roles: observe',
    when: ({ policy }) => policy.roles === 'observe',
    doing: 'nothing',
    says: () => 'roles are observed, not managed',
  },
  {
    id: 'paused',
    rules: ['O1'],
    in: 'any',
    lease: 'any',
    condition: 'an operator has paused the service',
    when: ({ policy }) => policy.paused,
    doing: 'nothing but publishing',
    says: () => 'paused by an operator: "hotspare resume" goes on',
  },
];

/** Seen in a record, and not on disk yet. */
function noted(view: View): Partial<Ledger> | undefined {
  const { record, seen } = view;
  if (!record) return undefined;
  const { seenEpoch, held } = seen.ledger;
  const isNewlyHeld = isRecorded(view) && record.epoch > held && seen.ledger.holder;
  if (record.epoch <= seenEpoch && !isNewlyHeld) return undefined;
  return { seenEpoch: Math.max(seenEpoch, record.epoch), ...(isNewlyHeld ? { held: record.epoch } : {}) };
}

/** The newest epoch that this disk, this agent or the agent of another member knows of a record. */
const knownEpoch = ({ seen, state }: View) =>
  Math.max(
    seen.ledger.seenEpoch,
    state.settledEpoch ?? 0,
    ...[...seen.peers.values()].map((peer) => (peer.kind === 'known' ? peer.epoch : 0)),
  );

/** What has to be on disk whatever comes next, and what is decided from only once it is whole. */
export const noteRows: readonly Row[] = [
  {
    id: 'note-epoch',
    rules: ['D5', 'R6'],
    in: 'any',
    lease: 'any',
    condition: 'the record is of an epoch that is not on this disk yet',
    when: (view) => noted(view) !== undefined,
    does: (view) => ({ kind: 'remember', ledger: { ...view.seen.ledger, ...noted(view) } }),
    doing: 'write the epoch to disk',
    says: ({ record }) => `epoch ${record?.epoch} is written to disk`,
  },
  {
    id: 'epoch-behind',
    rules: ['R6', 'L2'],
    in: ['empty', 'half-rejoined', 'stopped', 'standby', 'gated', 'open'],
    lease: 'any',
    condition: 'Consul holds a record, and a newer epoch is known here or by another member',
    when: (view) => view.record !== undefined && knownEpoch(view) > view.epoch,
    doing: 'wait',
    wakeAfterMs: 1_000,
    says: (view) =>
      `epoch ${knownEpoch(view)} is known, and Consul shows ${view.epoch}: was a backup of Consul restored? Nothing is decided until it shows the newest record`,
  },
];
