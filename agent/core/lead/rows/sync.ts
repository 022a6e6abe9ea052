import { after, type Row } from '../row.js';
import {
  aloneWhy,
  awaited,
  candidate,
  hasAllHere,
  isAboutStandbys,
  isBehind,
  isLost,
  isShort,
  recordedStandbys,
  recordWith,
} from '../standbys.js';
import { isAnswering, isRecorded, leaving, others, type View } from '../view.js';

/** The holder with an open gate, which is at nothing else. */
const isAtRest = (view: View) =>
  view.self.gate.kind === 'open' && isRecorded(view) && leaving(view) === undefined;

const isSync = ({ policy }: View) => policy.durability === 'sync';

const changeRecord = (view: View, standbys: readonly string[]) => {
  const record = recordWith(view, standbys);
  return record && ({ kind: 'change-record', record } as const);
};

/** Commits wait for a standby that the record does not name, though they should not. */
function waitsInVain(view: View): boolean {
  const { gate } = view.self;
  if (recordedStandbys(view).length > 0 || awaited(view.self).length === 0) return false;
  if (!isSync(view)) return true;
  return !view.policy.strict && (isLost(view) || (gate.kind === 'open' && !gate.proven));
}

/** In `strict`, another copy of a lost standby, or another member: whoever has the data. */
const replacement = (view: View) => {
  const found = candidate(view);
  return found && !recordedStandbys(view).includes(found.standby) ? found.standby : undefined;
};

/** Whom commits wait for is changed after the record where it becomes less, and before it where it becomes more. */
export const reduceRows: readonly Row[] = [
  {
    id: 'settle-record',
    rules: ['R1'],
    in: ['open'],
    lease: ['mine'],
    condition:
      'the record or the policy says durability: sync, and no write of this agent in this epoch has been seen to succeed since one that had no answer',
    when: (view) => isAtRest(view) && isAboutStandbys(view) && view.state.settledEpoch !== view.record?.epoch,
    does: (view) => after(view, { epoch: view.epoch, holder: true }, { kind: 'confirm' }),
    doing: 'write the leader key again: only then is it known who is in the record',
    says: () => 'who is in the record is confirmed',
  },
  {
    id: 'record-alone',
    rules: ['R3'],
    in: ['open'],
    lease: ['mine'],
    condition: 'the record names a standby for which commits here do not wait',
    when: (view) =>
      isAtRest(view) && recordedStandbys(view).some((each) => !awaited(view.self).includes(each)),
    does: (view) => changeRecord(view, []),
    doing: 'take it out of the record',
    says: () => 'commits do not wait for the standby in the record: it is taken out',
  },
  {
    id: 'become-async',
    rules: ['R8', 'R3'],
    in: ['open'],
    lease: ['mine'],
    condition: 'the policy says durability: async, and the record sync',
    when: (view) => isAtRest(view) && !isSync(view) && view.record?.durability === 'sync',
    does: (view) => changeRecord(view, []),
    doing: 'write the record anew, with this member alone',
    says: () => 'durability becomes async: the record names this member alone',
  },
  {
    id: 'standby-short',
    rules: ['R5', 'R3'],
    in: ['open'],
    lease: ['mine'],
    condition:
      'the standby in the record has not what all of the record had flushed: it is an older copy of itself',
    when: (view) => isAtRest(view) && isShort(view),
    does: (view) => changeRecord(view, []),
    doing: 'take it out of the record, until it has caught up and is added again',
    says: (view) => `${recordedStandbys(view).join(', ')} has lost WAL: it is taken out of the record`,
  },
  {
    id: 'standby-lost',
    rules: ['R3'],
    in: ['open'],
    lease: ['mine'],
    condition: 'the standby in the record has not kept up for 1.2 seconds, and the policy is not strict',
    when: (view) =>
      isAtRest(view) && !view.policy.strict && recordedStandbys(view).length > 0 && isLost(view),
    does: (view) => changeRecord(view, []),
    doing: 'take it out of the record; commits wait until that is done',
    says: (view) => `${recordedStandbys(view).join(', ')} is lost: it is taken out of the record`,
  },
  {
    id: 'standby-replaced',
    rules: ['R3', 'R4'],
    in: ['open'],
    lease: ['mine'],
    condition: 'the same, the policy is strict, and another copy can be added: commits go on waiting',
    when: (view) =>
      isAtRest(view) && recordedStandbys(view).length > 0 && isLost(view) && replacement(view) !== undefined,
    does: (view) => changeRecord(view, []),
    doing: 'take it out of the record, which then names this member alone',
    says: (view) => `${recordedStandbys(view).join(', ')} is replaced by ${replacement(view)}`,
  },
  {
    id: 'stop-waiting',
    rules: ['R3', 'R1', 'R8'],
    in: ['open'],
    lease: ['mine'],
    condition:
      'commits wait for a standby that the record does not name and that is lost or was not added, or the policy says durability: async',
    when: (view) => isAtRest(view) && waitsInVain(view),
    does: () => ({ kind: 'open-gate', standbys: [] }),
    doing: 'let commits go on without it',
    says: (view) => `commits wait for ${awaited(view.self).join(', ')} in vain: they go on alone`,
  },
];

export const addRows: readonly Row[] = [
  {
    id: 'become-sync',
    rules: ['R8'],
    in: ['open'],
    lease: ['mine'],
    condition: 'the policy says durability: sync, and the record async',
    when: (view) => isAtRest(view) && isSync(view) && view.record?.durability === 'async',
    does: (view) => changeRecord(view, []),
    doing: 'write the record anew, with this member alone',
    says: () => 'durability becomes sync: the record begins with this member alone',
  },
  {
    id: 'record-standby',
    rules: ['R2', 'R5'],
    in: ['open'],
    lease: ['mine'],
    condition:
      'commits wait for a standby, one has returned so, and the record does not name that very copy, which has flushed all that stands here',
    when: (view) =>
      isAtRest(view) &&
      isSync(view) &&
      recordedStandbys(view).length === 0 &&
      awaited(view.self).length > 0 &&
      view.self.gate.kind === 'open' &&
      view.self.gate.proven &&
      awaited(view.self).includes(candidate(view)?.standby ?? '') &&
      awaited(view.self).every((each) => hasAllHere(view, each)),
    does: (view) => changeRecord(view, awaited(view.self)),
    doing: 'write it into the record',
    says: (view) => `${awaited(view.self).join(', ')} has every acknowledged commit: the record names it`,
  },
  {
    id: 'add-standby',
    rules: ['R2', 'R5', 'G3'],
    in: ['open'],
    lease: ['mine'],
    condition:
      'the record names this member alone, and a standby has kept up for 1 second that streams under the name that its agent says',
    when: (view) =>
      isAtRest(view) && isSync(view) && recordedStandbys(view).length === 0 && candidate(view)?.now === true,
    does: (view) => ({ kind: 'add-standby', standby: candidate(view)?.standby ?? '' }),
    doing: 'have commits wait for it',
    says: (view) => `${candidate(view)?.standby} is added: commits begin to wait for it`,
  },
];

/** What the holder is seen to be, after all that it has to do. */
export const syncStandRows: readonly Row[] = [
  {
    id: 'standby-behind',
    rules: ['R3'],
    in: ['open'],
    lease: ['mine'],
    condition: 'the standby in the record has not flushed what stood here at the look before',
    when: (view) => isRecorded(view) && recordedStandbys(view).length > 0 && isBehind(view),
    doing: 'wait',
    wakeAfterMs: 200,
    says: (view) =>
      view.policy.strict
        ? `commits wait: ${recordedStandbys(view).join(', ')} does not keep up, and strict=true lets none go on without it`
        : `${recordedStandbys(view).join(', ')} does not keep up`,
  },
  {
    id: 'degraded',
    rules: ['R3', 'R8'],
    in: ['open'],
    lease: ['mine'],
    condition: 'the policy says durability: sync, and the record names this member alone',
    when: (view) => isRecorded(view) && isSync(view) && recordedStandbys(view).length === 0,
    doing: 'wait for a standby that can be added',
    wakeAfterMs: 250,
    says: (view) =>
      awaited(view.self).length > 0
        ? `degraded: commits wait for ${awaited(view.self).join(', ')}; ${aloneWhy(view)}`
        : `degraded: commits are acknowledged on ${view.me} alone; ${aloneWhy(view)}`,
  },
];

/** In `strict` a new primary opens its gate only to a standby (R3). */
export const strictRows: readonly Row[] = [
  {
    id: 'strict-slots',
    rules: ['O3', 'R3'],
    in: ['gated'],
    lease: ['mine'],
    condition: 'the gate opens only to a standby, and a member has no slot here to stream through',
    when: (view) =>
      isStrictOpening(view) &&
      isAnswering(view) &&
      others(view).some((member) => !view.self.slots.includes(member)),
    does: (view) => ({ kind: 'keep-slots', members: others(view) }),
    doing: 'make the slots of the other members',
    says: () => 'slots are made for the other members, so that one can stream',
  },
  {
    id: 'strict-checkpoint',
    rules: ['D4', 'R3'],
    in: ['gated'],
    lease: ['mine'],
    condition: 'the same, and there was no checkpoint since the promotion',
    when: (view) => isStrictOpening(view) && !view.self.checkpointed,
    does: () => ({ kind: 'checkpoint' }),
    doing: 'make one: only then can another member be rewound to this one',
    says: () => 'makes its first checkpoint since the promotion',
  },
  {
    id: 'open-to-standby',
    rules: ['G1', 'R2', 'R3'],
    in: ['gated'],
    lease: ['mine'],
    condition:
      'the policy is strict, the record names this member and is settled, and a standby can be added',
    when: (view) => isStrictOpening(view) && candidate(view) !== undefined,
    does: (view) =>
      after(
        view,
        { epoch: view.epoch, holder: true },
        { kind: 'open-gate', standbys: [candidate(view)?.standby ?? ''] },
      ),
    doing: 'open the gate; commits wait for that standby from the first on',
    says: (view) => `epoch ${view.epoch} is recorded: the gate opens, and commits wait for a standby`,
  },
  {
    id: 'strict-wait',
    rules: ['R3'],
    in: ['gated'],
    lease: ['mine'],
    condition: 'the policy is strict, and no standby can be added',
    when: (view) => isStrictOpening(view),
    does: ({ order, me }) =>
      order?.kind === 'promote' && order.to === me
        ? { kind: 'drop-order', id: order.id, why: `${me} is promoted already, and waits for a standby` }
        : undefined,
    doing: 'wait; an order to promote it is carried out',
    wakeAfterMs: 250,
    says: (view) => `strict=true keeps the gate closed until a standby can be added: ${aloneWhy(view)}`,
  },
];

function isStrictOpening(view: View): boolean {
  return (
    isSync(view) &&
    view.policy.strict &&
    isRecorded(view) &&
    // One that the record names is waited for, also while it is away.
    recordedStandbys(view).length === 0 &&
    view.state.settledEpoch === view.epoch
  );
}
