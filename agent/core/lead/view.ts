import type { Record, Policy, FailoverOrder } from '../../../common/failover/shapes.js';
import type {
  KnownSelf,
  LeadConfig,
  LeadObservation,
  LeadState,
  Ledger,
  Peer,
  ReadShared,
  Source,
} from './model.js';

/**
 * Where this member is, from what its keeper sees:
 *
 * - `unmanaged`: the keeper has not been told to manage it
 * - `empty`: no data; `half-rejoined`: a rejoin was begun and did not end
 * - `stopped`: data, and no process
 * - `standby`: in recovery
 * - `gated`: writable behind a closed gate: it acknowledges nothing
 * - `open`: writable, and the gate is open or only held
 */
export const situations = [
  'unmanaged',
  'empty',
  'half-rejoined',
  'stopped',
  'standby',
  'gated',
  'open',
] as const;
export type Situation = (typeof situations)[number];

/** Who holds the leader key. `other`: any session but this agent's own. */
export const leases = ['mine', 'free', 'other'] as const;
export type Lease = (typeof leases)[number];

/** Everything that a row looks at, once all of it is known. */
export interface View {
  readonly nowMs: number;
  readonly me: string;
  readonly config: LeadConfig;
  readonly state: LeadState;
  readonly seen: LeadObservation;
  readonly self: KnownSelf;
  readonly shared: ReadShared;
  readonly policy: Policy;
  readonly situation: Situation;
  readonly lease: Lease;
  readonly record: Record | undefined;
  readonly order: FailoverOrder | undefined;
  /** The newest epoch that Consul knows; 0 before the first. */
  readonly epoch: number;
  /** The epoch of the next promotion of this member, or of the one that was begun. */
  readonly nextEpoch: number;
}

/**
 * `why`: something that a decision needs is not known. A `view` beside it is enough for a fence, which waits neither for the session nor
 * for a gate that cannot be asked.
 */
export function viewOf(
  state: LeadState,
  seen: LeadObservation,
  config: LeadConfig,
): { readonly view: View; readonly why?: string } | { readonly view?: never; readonly why: string } {
  const { self, shared, session } = seen;
  if (shared.kind === 'unread') return { why: `Consul: ${shared.why}` };
  if (self.kind === 'unknown') return { why: `the keeper: ${self.why}` };
  const why =
    session.kind === 'unknown'
      ? "Consul does not say whether this agent's session lives"
      : self.managed &&
          self.process === 'running' &&
          self.data === 'present' &&
          self.writable &&
          self.gate.kind === 'unknown'
        ? `the gate: ${self.gate.why}`
        : undefined;
  const record = shared.record.value;
  const epoch = Math.max(shared.epoch.value ?? 0, record?.epoch ?? 0);
  const holder = shared.leader.session;
  const isMine = session.kind === 'valid' && holder === session.id;
  const order = shared.order.value;
  const view: Omit<View, 'nextEpoch'> = {
    nowMs: seen.nowMs,
    me: config.member,
    config,
    state,
    seen,
    self,
    shared,
    policy: policyOf(shared.policy.value, seen, config),
    situation: situationOf(self),
    lease: isMine ? 'mine' : holder === undefined ? 'free' : 'other',
    record,
    order,
    epoch,
  };
  const isForLostRecord = order?.kind === 'promote' && order.recordLost;
  const newest = isForLostRecord ? Math.max(epoch, seen.ledger.seenEpoch, peersEpoch(seen)) : epoch;
  return { view: { ...view, nextEpoch: newest + 1 }, ...(why === undefined ? {} : { why }) };
}

/** A policy that was lost with Consul's data does not let go of what was managed. */
function policyOf(
  live: Policy | undefined,
  { ledger }: LeadObservation,
  { firstPolicy }: LeadConfig,
): Policy {
  return live ?? (ledger.seenEpoch > 0 ? { ...firstPolicy, roles: 'managed' } : firstPolicy);
}

function situationOf(self: KnownSelf): Situation {
  if (!self.managed) return 'unmanaged';
  if (self.data === 'half-done') return 'half-rejoined';
  if (self.data === 'none') return 'empty';
  if (self.process === 'stopped') return 'stopped';
  if (!self.writable) return 'standby';
  return self.gate.kind === 'closed' ? 'gated' : 'open';
}

// ---- questions that several rows ask

/** The newest epoch that the agents of the other members know of a record, or once said that they do. */
const peersEpoch = ({ peers, ledger }: LeadObservation) => Math.max(ledger.heardEpoch ?? 0, heardNow(peers));
export const heardNow = (peers: LeadObservation['peers']) =>
  Math.max(0, ...[...peers.values()].map((peer) => (peer.kind === 'known' ? peer.epoch : 0)));

/** The newest epoch that this disk, this agent or the agent of another member knows of a record. */
export const knownEpoch = ({ seen, state }: Pick<View, 'seen' | 'state'>) =>
  Math.max(seen.ledger.seenEpoch, state.settledEpoch ?? 0, peersEpoch(seen));

/** By what a disk knows of the record's own epoch: who is in it has changed since. */
export const isOlderThan = (
  record: Record | undefined,
  { epoch, revision = 0 }: { readonly epoch: number; readonly revision?: number | undefined },
): boolean => record !== undefined && record.epoch === epoch && (record.revision ?? 0) < revision;

export const isOlderRecord = (record: Record | undefined, { seenEpoch, seenRevision }: Ledger): boolean =>
  isOlderThan(record, { epoch: seenEpoch, revision: seenRevision });

/** The agent of another member has seen a later one. */
const isOlderForOthers = ({ record, seen }: View): boolean =>
  [...seen.peers.values()].some((peer) => peer.kind === 'known' && isOlderThan(record, peer));

/** Consul says that this member holds a lease that it has handed over, and has not taken again since. */
const isLeaseOfOld = (view: View) =>
  view.lease === 'mine' &&
  view.seen.ledger.handedOver === view.record?.epoch &&
  leaving(view) === undefined &&
  isRecorded(view);

/** Consul holds no record, or one that is older than what is known: its data was lost, or an older backup restored. */
export const isRecordLost = (view: View) =>
  view.record === undefined ||
  knownEpoch(view) > view.epoch ||
  isOlderRecord(view.record, view.seen.ledger) ||
  isOlderForOthers(view) ||
  isLeaseOfOld(view);

/** Nothing newer is known than what this member wrote itself as the holder. */
export const wasNewestHolder = (view: View) => {
  const { holder, held } = view.seen.ledger;
  return holder && held >= Math.max(view.epoch, knownEpoch(view));
};

/** An operator's order to promote a member though the record is lost, while it is. */
export const lostOrder = (view: View) =>
  view.order?.kind === 'promote' && view.order.recordLost && isRecordLost(view) ? view.order : undefined;

/** The member that the record names first, which is the one that wrote it. */
export const recorded = ({ record }: View) => record?.members[0]?.name;
export const isRecorded = (view: View) => recorded(view) === view.me;

/** The member in the leader key, also after it let go. */
export const leaderName = ({ shared }: View) => shared.leader.value?.member;

/** The holder, once the record is its own: before that it is still on its way. */
export const settledHolder = (view: View): string | undefined =>
  view.lease === 'other' && leaderName(view) === recorded(view) ? recorded(view) : undefined;

export function knownPeer(
  { seen }: View,
  member: string | undefined,
): Extract<Peer, { kind: 'known' }> | undefined {
  const peer = member === undefined ? undefined : seen.peers.get(member);
  return peer?.kind === 'known' ? peer : undefined;
}

/** Whether an operator's order lets this member take the lease though the record does not name it. */
export function isOrdered({ order, me }: View): boolean {
  if (order?.kind === 'switchover') return order.handedOver && order.to === me;
  return order?.kind === 'promote' && order.to === me;
}

/** Whether an operator's order gives the lease to another. */
export function isOrderedAway({ order, me }: View): boolean {
  if (order?.kind === 'switchover') return order.handedOver && order.to !== me;
  return order?.kind === 'promote' && order.to !== me;
}

/** The switchover from this member, while it has not let go. */
export const leaving = ({ order, me }: View) =>
  order?.kind === 'switchover' && !order.handedOver && order.from === me ? order : undefined;

/** A promotion that the record does not know yet: the history has gone on. */
export function isPromoted(view: View): boolean {
  const { self, record } = view;
  if (!record || !self.history || !isRecorded(view)) return true;
  const [own, recordedFork] = [self.history.forks.at(-1), record.history.forks.at(-1)];
  // Two members can be on timelines of one number (D4).
  return (
    self.history.timeline !== record.history.timeline ||
    own?.lsn !== recordedFork?.lsn ||
    (own?.mark !== undefined && recordedFork?.mark !== undefined && own.mark !== recordedFork.mark)
  );
}

/** The data that the record was written from, and not another copy under the same name (R5). */
export const isSameCopy = ({ self, record }: View) =>
  record?.members[0]?.incarnation === self.incarnation &&
  (self.origin === undefined || self.origin === record.history.systemId);

/** Its Postgres answers the keeper: without that, no slots and no standbys are seen, whatever there is. */
export const isAnswering = ({ self }: View) => self.statements !== undefined;

/** How far the standby of that name has flushed, as this primary's senders say. */
export function fedPosition({ self }: View, member: string): string | undefined {
  const feed = self.feeds.find(({ name }) => name === member || name.startsWith(`${member}.`));
  return feed?.position;
}

export function isAtLeast(
  { config }: View,
  position: string | undefined,
  wanted: string | undefined,
): boolean {
  if (position === undefined || wanted === undefined) return false;
  const order = config.compare(position, wanted);
  return order !== undefined && order >= 0;
}

/** Why that member could not be promoted, as far as is seen; one whose agent does not answer may be. */
export function unfit(view: View, target: string): string | undefined {
  if (!view.config.members.has(target)) return `${target} is not a member`;
  const self = knownPeer(view, target)?.self;
  if (self?.kind !== 'known') return undefined;
  if (self.data !== 'present') return `${target} has no usable data`;
  if (self.process !== 'running') return `${target} does not run`;
  return self.origin === view.self.origin ? undefined : `${target} has another database`;
}

/** Others in the configuration. */
export const others = ({ config, me }: View) => [...config.members.keys()].filter((member) => member !== me);

/** Where the settled holder is, unless the configuration does not know it. */
export const holderPlace = (view: View) => view.config.members.get(settledHolder(view) ?? '');

/** The settled holder as a source of WAL. */
export function sourceOf(view: View): Source | undefined {
  const place = holderPlace(view);
  return place && view.record ? { ...place, history: view.record.history } : undefined;
}

/** Nothing was or will be acknowledged, and that was seen. */
export const isShut = ({ self }: View) => self.gate.kind === 'closed' && self.gate.proven;

/** Streams from the settled holder, on its timeline. */
export function isFollowing(view: View): boolean {
  const place = holderPlace(view);
  const { source } = view.self;
  return (
    place !== undefined &&
    source?.streaming === true &&
    source.address === place.address &&
    source.port === place.port &&
    source.timeline === view.record?.history.timeline
  );
}

/** A demoted primary goes on answering reads until nothing runs, or for so long, in ms (O4). */
export const lingerMs = 5_000;
/** And for so long at least, in ms: until apps are told of the new primary they begin statements on the old one. */
export const settleMs = 500;

/** Of a demoted primary: a read that it would be stopped under fails. */
export const isStillRead = ({ self, state, nowMs }: View): boolean =>
  nowMs - (state.demotedMs ?? nowMs) < (self.statements === 0 ? settleMs : lingerMs);
