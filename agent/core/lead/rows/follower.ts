import { isUnreached, untilLateMs } from '../auto/auto.js';
import { after, writable, type Row } from '../row.js';
import { isRecordedStandby } from '../standbys.js';
import {
  holderPlace,
  isFollowing,
  isRecorded,
  isSameCopy,
  isStillRead,
  leaderName,
  recorded,
  settledHolder,
  sourceOf,
  type View,
} from '../view.js';

const reinit = (view: View) =>
  view.order?.kind === 'rejoin' && view.order.member === view.me ? view.order : undefined;

/** The reason of the last refusal to follow, in the record's epoch. */
const misfit = (view: View) =>
  view.state.cannotFollow?.epoch === view.record?.epoch ? view.state.cannotFollow : undefined;

/** It was never promoted outside the record's history: what it has too much came from a primary that was recorded. */
const isOfTheRecord = ({ self, record }: View) =>
  self.history?.systemId === record?.history.systemId &&
  (self.history?.forks ?? []).every((fork) =>
    record?.history.forks.some(
      ({ timeline, lsn, mark }) =>
        timeline === fork.timeline && lsn === fork.lsn && (mark === undefined || mark === fork.mark),
    ),
  );

/** How this member comes back: an operator's word first. Undefined: it does not by itself. */
function wayBack(view: View): 'rewind' | 'basebackup' | undefined {
  const ordered = reinit(view);
  if (ordered) return ordered.method;
  // It has what the holder has lost: an operator decides.
  if (isRecordedStandby(view)) return undefined;
  // A record as old as one of its own is of a restored Consul: this may be the newer copy.
  if ((view.record?.epoch ?? 0) <= view.seen.ledger.held) return undefined;
  if (!view.seen.ledger.holder && !isOfTheRecord(view)) return undefined;
  const reason = misfit(view)?.reason;
  if (reason === 'other-system') return undefined;
  return reason === 'other-history' || reason === 'rewind-failed' ? 'basebackup' : 'rewind';
}

function rejoin(view: View, method: 'rewind' | 'basebackup') {
  const from = sourceOf(view);
  return from && after(view, { rejoining: view.self.incarnation }, { kind: 'rejoin', method, from });
}

const isReplaced = ({ seen: { ledger }, self }: View) =>
  ledger.rejoining !== undefined && ledger.rejoining !== self.incarnation;

/** It takes effect once the checkpoint of the holder has been replayed; so often it is tried, in ms. */
const restartpointEveryMs = 1_000;

/** Every member that is not the holder. */
export const followerRows: readonly Row[] = [
  {
    id: 'starting',
    rules: ['D1', 'D4'],
    in: writable,
    lease: 'any',
    condition: 'it was rebuilt, and Postgres does not answer yet',
    // A base backup comes with the control file of a running primary.
    when: (view) => isReplaced(view) && view.self.statements === undefined,
    doing: 'wait',
    wakeAfterMs: 100,
    says: () => 'it was rebuilt and is starting',
  },
  {
    id: 'start',
    rules: ['D1', 'O2'],
    in: ['stopped'],
    lease: 'any',
    condition: 'a rejoin has left it stopped',
    when: (view) => view.seen.ledger.rejoining !== undefined,
    does: () => ({ kind: 'start-process' }),
    doing: 'start it',
    says: () => 'a rejoin has left it stopped: it is started',
  },
  {
    id: 'stopped',
    rules: ['O1', 'O2'],
    in: ['stopped'],
    lease: 'any',
    doing: 'wait for whoever stopped it, or for the service manager',
    says: (view) =>
      isRecorded(view)
        ? 'the primary does not run; started again, it is the primary again'
        : 'it does not run',
  },
  {
    id: 'reinit-done',
    rules: ['D5'],
    in: ['standby'],
    lease: 'any',
    condition: 'it was rebuilt on an order and runs again',
    when: (view) => isReplaced(view) && reinit(view) !== undefined,
    does: ({ order }) => ({ kind: 'drop-order', id: order?.id ?? '', why: 'carried out' }),
    doing: 'remove the order',
    says: () => 'it was rebuilt, as ordered',
  },
  {
    id: 'rejoined',
    rules: ['D5'],
    in: ['standby'],
    lease: 'any',
    condition: 'it runs again after a rejoin',
    when: isReplaced,
    does: (view) => ({
      kind: 'remember',
      ledger: { ...view.seen.ledger, rejoining: undefined, holder: false },
    }),
    doing: 'remember that the rejoin is over',
    says: () => 'it runs again as a standby',
  },
  {
    id: 'clone',
    rules: ['O3', 'D4'],
    in: ['empty', 'half-rejoined'],
    lease: ['other'],
    condition: 'there is a holder, and the record is not of this member',
    when: (view) => holderPlace(view) !== undefined && !isRecorded(view),
    does: (view) => rejoin(view, 'basebackup'),
    doing: 'clone the holder',
    says: (view) => `it is cloned from ${settledHolder(view)}`,
  },
  {
    id: 'empty',
    rules: ['R6', 'D4'],
    in: ['empty', 'half-rejoined'],
    lease: 'any',
    doing: 'wait',
    says: (view) =>
      isRecorded(view)
        ? 'the record names this member, and it has no usable data: an operator promotes another member'
        : 'it has no usable data, and the service has no holder to clone',
  },
  {
    id: 'reinit',
    rules: ['D4'],
    in: ['standby', ...writable],
    lease: ['other'],
    condition: 'an operator ordered it to be rebuilt',
    when: (view) => reinit(view) !== undefined && holderPlace(view) !== undefined && !isRecorded(view),
    does: (view) => rejoin(view, reinit(view)?.method ?? 'basebackup'),
    doing: 'rebuild it',
    says: (view) => `an operator ordered it: it is rebuilt from ${settledHolder(view)}`,
  },
  {
    id: 'restartpoint',
    rules: ['D4'],
    in: ['standby'],
    lease: ['other'],
    condition: 'it streams on a newer timeline than the one of its last checkpoint',
    when: (view) =>
      isFollowing(view) &&
      !view.self.checkpointed &&
      view.nowMs >= (view.state.checkpointedMs ?? -Infinity) + restartpointEveryMs,
    does: () => ({ kind: 'checkpoint' }),
    doing: "make one: until then apps can't see which timeline it has",
    says: (view) => `follows ${settledHolder(view)}, and makes its first checkpoint on the new timeline`,
  },
  {
    id: 'following',
    rules: ['D4'],
    in: ['standby'],
    lease: ['other'],
    condition: "it streams from the holder, on the holder's timeline",
    when: isFollowing,
    doing: 'nothing',
    wakeAfterMs: untilLateMs,
    says: (view) => `follows ${settledHolder(view)}`,
  },
  {
    id: 'diverged',
    rules: ['D4', 'O4'],
    in: ['standby'],
    lease: ['other'],
    condition: 'it cannot follow as it is, and was the holder or followed one',
    when: (view) =>
      misfit(view) !== undefined && wayBack(view) !== undefined && holderPlace(view) !== undefined,
    does: (view) => rejoin(view, wayBack(view) ?? 'basebackup'),
    doing: 'rewind or clone it; WAL of its own is kept',
    says: (view) =>
      `it has WAL that ${settledHolder(view)} does not have: it is rebuilt, and that WAL is kept`,
  },
  {
    id: 'quarantined',
    rules: ['D4'],
    in: ['standby'],
    lease: ['other'],
    condition:
      'it cannot follow, and was promoted outside the recorded history, or is in the record beside the holder',
    when: (view) => misfit(view) !== undefined,
    doing: 'wait for an operator',
    says: (view) =>
      isRecordedStandby(view)
        ? `it is in the record and has what ${settledHolder(view)} has not: ${misfit(view)?.why}; "hotspare promote ${view.me}" loses nothing`
        : `quarantined: ${misfit(view)?.why}; "hotspare reinit ${view.me}" rebuilds it`,
  },
  {
    id: 'follow',
    rules: ['D4', 'O3'],
    in: ['standby'],
    lease: ['other'],
    condition: 'there is a holder',
    when: (view) => holderPlace(view) !== undefined && !isRecorded(view),
    does: (view) => {
      const from = sourceOf(view);
      return from && !isUnreached(view, settledHolder(view)) ? { kind: 'follow', from } : undefined;
    },
    doing: 'follow the holder; while its box accepts no connection, Postgres tries by itself',
    says: (view) =>
      `${view.state.retry?.kind === 'follow' ? 'receives no WAL from' : 'begins to follow'} ${settledHolder(view)}`,
  },
  {
    id: 'linger',
    rules: ['O4'],
    in: writable,
    lease: ['other'],
    condition:
      'another member has been promoted a moment ago, or statements still run here, or its server is being stopped',
    when: (view) =>
      view.seen.ledger.holder &&
      !isRecorded(view) &&
      settledHolder(view) !== undefined &&
      (view.seen.isStopping || isStillRead(view)),
    doing:
      'wait half a second at least, and until nothing runs, for at most 5 seconds; or until it has stopped',
    wakeAfterMs: 50,
    says: (view) =>
      `${settledHolder(view)} has been promoted; ${view.seen.isStopping ? 'this member is being stopped' : 'statements here may end'}`,
  },
  {
    id: 'step-down',
    rules: ['O4', 'D4'],
    in: writable,
    lease: ['other'],
    condition: 'another member has been promoted',
    when: (view) =>
      view.seen.ledger.holder &&
      !isRecorded(view) &&
      holderPlace(view) !== undefined &&
      wayBack(view) !== undefined,
    does: (view) => rejoin(view, wayBack(view) ?? 'rewind'),
    doing: 'rewind it, so that it follows',
    says: (view) => `${settledHolder(view)} has been promoted: this member is rewound and follows`,
  },
  {
    id: 'awaiting',
    rules: ['G2', 'F3'],
    in: 'any',
    lease: ['other'],
    condition: 'another agent holds the lease, and the record is not its own yet',
    when: (view) => settledHolder(view) === undefined,
    doing: 'wait',
    says: (view) => `${leaderName(view) ?? 'another agent'} holds the lease and is not promoted yet`,
  },
  {
    id: 'demoted',
    rules: ['O4', 'G1'],
    in: writable,
    lease: 'any',
    condition: 'it was the holder, the record names another member, and that is away',
    when: (view) => view.seen.ledger.holder && !isRecorded(view) && settledHolder(view) === undefined,
    doing: 'wait until there is a holder to follow',
    says: (view) => `${recorded(view)} is the primary now, and does not hold the lease at the moment`,
  },
  {
    id: 'stray',
    rules: ['D4', 'G1'],
    in: writable,
    lease: 'any',
    condition: 'it was promoted by hand: the record does not name it',
    when: (view) => !isRecorded(view),
    doing: 'wait for an operator; behind its gate it acknowledges nothing',
    says: (view) =>
      `quarantined: it was promoted by hand, ${recorded(view) ?? 'no member'} is the primary; "hotspare reinit ${view.me}" rebuilds it`,
  },
  {
    id: 'no-holder',
    rules: ['O1', 'R9'],
    in: 'any',
    lease: 'any',
    doing: 'wait',
    says: (view) =>
      recorded(view) === view.me && !isSameCopy(view)
        ? `the record names another copy of ${view.me} than this one, which was moved or restored: if it has everything, "hotspare promote ${view.me}"`
        : `${recorded(view) ?? 'the primary'} is away: once it is back it is the primary again by itself, unless an operator promotes ${view.me}`,
  },
];
