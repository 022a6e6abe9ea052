import { emptyLedger, type Ledger } from '../model.js';
import { writable, type Row } from '../row.js';
import { heardNow, isRecorded, isShut, wasNewestHolder, type View } from '../view.js';
import { hindrance } from './adopt.js';
import { rehearsalRows } from './rehearsal.js';

/** While a record stands the service is managed, until its holder has let it go. */
const isGoing = ({ policy, record }: View) => policy.roles === 'observe' && !record;

/** As it is: the last holder runs and answers as the primary that it is, any other member does not. */
function mayGo(view: View): boolean {
  switch (view.situation) {
    case 'open':
      return wasNewestHolder(view) && view.self.position !== undefined;
    case 'gated':
      return wasNewestHolder(view);
    case 'standby':
    case 'stopped':
      return !wasNewestHolder(view);
    default:
      return true;
  }
}

/** What an operator's policy leaves to be done. */
export const policyRows: readonly Row[] = [
  {
    id: 'let-go-promote',
    rules: ['R6'],
    in: ['standby'],
    lease: 'any',
    condition:
      'the policy says roles: observe, Consul holds no record any more, and the last holder was restarted before it was let go',
    when: (view) => isGoing(view) && wasNewestHolder(view) && hindrance(view) === undefined && isShut(view),
    does: () => ({ kind: 'promote' }),
    doing: 'promote it behind its gate, which opens as it is let go',
    says: () => 'roles are observed only: the last holder is made writable again before it is let go',
  },
  {
    id: 'let-go-start',
    rules: ['R6', 'D1'],
    in: ['stopped'],
    lease: 'any',
    condition:
      'the policy says roles: observe, Consul holds no record any more, and a rejoin has left it stopped',
    when: (view) => isGoing(view) && view.seen.ledger.rejoining !== undefined,
    does: () => ({ kind: 'start-process' }),
    doing: 'start it, before it is let go',
    says: () => 'roles are observed only: what a rejoin has left stopped is started before it is let go',
  },
  {
    id: 'fence-let-go',
    rules: ['R6', 'L2', 'F1'],
    in: ['open'],
    lease: 'any',
    condition:
      'the policy says roles: observe, Consul holds no record any more, a newer epoch is known than this member held, and its gate is not closed',
    when: (view) =>
      isGoing(view) && !wasNewestHolder(view) && view.self.process === 'running' && !isShut(view),
    does: () => ({ kind: 'fence' }),
    doing: 'fence it: let go as it is, it would acknowledge what waits for a standby that was promoted',
    says: () =>
      'roles are observed only, and another was promoted after this member: it is fenced before it is let go',
  },
  {
    id: 'let-go',
    rules: ['R6'],
    in: ['empty', 'half-rejoined', 'stopped', 'standby', 'gated', 'open'],
    lease: 'any',
    condition:
      'the policy says roles: observe, Consul holds no record any more, and this is not a stray, nor a holder in recovery or that does not answer',
    when: (view) => isGoing(view) && mayGo(view),
    does: ({ situation }) => ({ kind: 'release-management', isWritable: writable.includes(situation) }),
    doing: 'let the member go',
    says: () => 'roles are observed only: the member is let go',
  },
  {
    id: 'forget',
    rules: ['R6'],
    in: ['unmanaged'],
    lease: 'any',
    condition: 'the policy says roles: observe, Consul holds no record any more, and this disk remembers one',
    when: (view) =>
      isGoing(view) &&
      (view.seen.ledger.seenEpoch > 0 || view.seen.ledger.epoch > 0 || view.seen.ledger.holder),
    does: (view) => ({ kind: 'remember', ledger: { ...emptyLedger, session: view.seen.ledger.session } }),
    doing: 'forget epoch and holder',
    says: () => 'roles are observed only: what was remembered of the lease is forgotten',
  },
  ...rehearsalRows,
  {
    id: 'observe',
    rules: ['R6'],
    in: 'any',
    lease: 'any',
    condition: 'the policy says roles: observe, and Consul holds no record or the member is not managed',
    when: (view) => view.policy.roles === 'observe' && (!view.record || view.situation === 'unmanaged'),
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
    says: () => 'paused by an operator, until "hotspare resume"',
  },
];

/** Seen in a record, and not on disk yet. */
function noted(view: View): Partial<Ledger> | undefined {
  const { record, seen } = view;
  if (!record) return undefined;
  const { seenEpoch, seenRevision = 0, heardEpoch = 0, held } = seen.ledger;
  const { epoch, revision = 0 } = record;
  const isNewlyHeld = isRecorded(view) && record.epoch > held && seen.ledger.holder;
  // Whoever knows of it may be away when it matters.
  const heard = heardNow(seen.peers);
  const isHeard = heard > Math.max(seenEpoch, heardEpoch, record.epoch);
  const isNew = epoch > seenEpoch || (epoch === seenEpoch && revision > seenRevision);
  if (!isNew && !isNewlyHeld && !isHeard) return undefined;
  return {
    ...(isNew ? { seenEpoch: epoch, seenRevision: revision } : {}),
    ...(epoch > seenEpoch ? { takenBack: undefined } : {}),
    ...(isNewlyHeld ? { held: record.epoch } : {}),
    ...(isHeard ? { heardEpoch: heard } : {}),
  };
}

/** What has to be on disk whatever comes next, and what is decided from only once it is whole. */
export const noteRows: readonly Row[] = [
  {
    id: 'note-epoch',
    rules: ['D5', 'R6'],
    in: 'any',
    lease: 'any',
    condition:
      'the record is of an epoch or a revision that is not on this disk yet, or older than one that another agent knows, which is not either',
    when: (view) => noted(view) !== undefined,
    does: (view) => ({ kind: 'remember', ledger: { ...view.seen.ledger, ...noted(view) } }),
    doing: 'write the epoch to disk',
    says: (view) => `epoch ${noted(view)?.heardEpoch ?? view.record?.epoch} is written to disk`,
  },
];
