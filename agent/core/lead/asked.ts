import type { FailoverOrder, Policy } from '../../../common/failover/shapes.js';
import { orderText } from '../../../common/failover/order-text.js';
import type { OrderRequest } from '../../../common/failover/report.js';
import type { LeadConfig, Peer, ReadShared } from './model.js';
import { isOlderThan } from './view.js';

/** What an operator's request is judged by. */
export interface Situation {
  readonly config: Pick<LeadConfig, 'member' | 'members' | 'firstPolicy'>;
  readonly shared: ReadShared;
  readonly policy: Policy;
  /** What the agents of all members say, this one's included. */
  readonly members: ReadonlyMap<string, Peer>;
  /** For how long a switchover has been seen to stand that is handed over, in ms. */
  readonly handedOverForMs?: number;
}

/** A switchover whose lease was handed over may be taken back after so long, in ms: neither member has come through. */
export const withdrawMs = 10_000;

export type Judged =
  | { readonly kind: 'place'; readonly order: FailoverOrder }
  | { readonly kind: 'remove' }
  /** What is wanted is under way: that order stands. */
  | { readonly kind: 'stands'; readonly order: FailoverOrder }
  | { readonly kind: 'refuse'; readonly code: 'unsafe' | 'conflict'; readonly why: string };

const unsafe = (why: string): Judged => ({ kind: 'refuse', code: 'unsafe', why });
const conflict = (why: string): Judged => ({ kind: 'refuse', code: 'conflict', why });

/**
 * Whether an order is put into Consul. What only the holder can judge, such as how far a target lags, it refuses itself once the order
 * stands. `id`: of the order.
 */
export function judgeRequest(request: OrderRequest, id: string, seen: Situation): Judged {
  const { policy, shared } = seen;
  const order = shared.order.value;
  if (request.kind === 'withdraw') return withdraw(order, request.id, seen.handedOverForMs ?? 0);
  if (policy.roles === 'observe')
    return unsafe(
      'roles are observed here, not managed: "hotspare policy set roles=managed" has the agents move them',
    );
  if (policy.paused) return unsafe('the service is paused: "hotspare resume" first');
  if (request.kind === 'stopping' && order?.kind === 'switchover' && order.from === seen.config.member)
    return { kind: 'stands', order };
  if (order) return conflict(`another order stands: ${orderText(order)}; wait for it, or take it back`);
  switch (request.kind) {
    case 'switchover':
      return switchover(request.to, id, seen);
    case 'promote':
      return promote(request, id, seen);
    case 'stopping':
      return handOver(id, seen);
    case 'rejoin': {
      const { member, method } = request;
      const stranger = unknownMember(member, seen);
      if (stranger) return stranger;
      if (holderOf(shared) === member)
        return unsafe(`${member} is the primary: the only copy is never rebuilt. Switch over first`);
      const { record } = shared;
      const isNamed = record.value?.members.some(({ name }) => name === member) === true;
      const holder = seen.members.get(holderOf(shared) ?? '');
      if (isNamed && !(holder?.kind === 'known' && isLeading(holder)))
        return unsafe(
          `the record names ${member}, and the primary does not run: this may be the only copy of what was acknowledged. "hotspare promote ${member}" first, or bring the primary back`,
        );
      return { kind: 'place', order: { kind: 'rejoin', id, member, method } };
    }
  }
}

function withdraw(order: FailoverOrder | undefined, id: string | undefined, handedOverForMs: number): Judged {
  if (!order) return conflict('no order stands that could be taken back');
  if (id !== undefined && order.id !== id)
    return conflict(`another order stands by now: ${orderText(order)}`);
  if (order.kind === 'switchover' && order.handedOver && handedOverForMs < withdrawMs)
    return conflict(
      `the lease was handed over to ${order.to} already: it takes it within 3 seconds, or ${order.from} goes on; where neither does, take the order back after 10 seconds`,
    );
  return { kind: 'remove' };
}

function switchover(wanted: string | undefined, id: string, seen: Situation): Judged {
  const { config, members, shared } = seen;
  const from = holderOf(shared);
  const named = shared.record.value?.members[0]?.name;
  if (from === undefined)
    return unsafe(
      named === undefined
        ? 'Consul holds no record yet: no member is the primary'
        : `${named} is named by the record and does not lead now, so it cannot hand over: bring it back, or "hotspare promote" another member`,
    );
  const others = [...config.members.keys()].filter((name) => name !== from);
  const to = wanted ?? (others.length === 1 ? others[0] : undefined);
  if (to === undefined)
    return unsafe(`there are several members to switch to: name one of ${others.join(', ')}`);
  const stranger = unknownMember(to, seen);
  if (stranger) return stranger;
  if (to === from) return unsafe(`${to} is the primary already`);
  const peer = members.get(to);
  if (peer?.kind !== 'known') return unsafe(peer?.why ?? `the agent of ${to} does not answer`);
  if (!peer.eligible.ok) return unsafe(peer.eligible.why);
  return { kind: 'place', order: { kind: 'switchover', id, from, to, handedOver: false } };
}

/** Only to the standby that has every acknowledged commit, and only where it would take over anyway (O2). */
function handOver(id: string, seen: Situation): Judged {
  const { config, policy, shared } = seen;
  const { member } = config;
  if (policy.promotion !== 'auto') return unsafe('promotion=manual: an operator moves the primary');
  if (holderOf(shared) !== member) return unsafe(`${member} is not the primary`);
  const [, standby] = shared.record.value?.members ?? [];
  if (!standby) return unsafe(`the record names ${member} alone: no standby has every acknowledged commit`);
  return switchover(standby.name, id, seen);
}

function promote(request: Extract<OrderRequest, { kind: 'promote' }>, id: string, seen: Situation): Judged {
  const { to, oldPrimaryIsOff = false, recordLost = false } = request;
  const { members, shared } = seen;
  const stranger = unknownMember(to, seen);
  if (stranger) return stranger;
  const holder = holderOf(shared);
  if (holder === to) return unsafe(`${to} is the primary already`);
  const record = shared.record.value;
  if (!record && !recordLost)
    return unsafe(
      'Consul holds no record of who has every commit; if it was lost, and this member has the newest data, add --record-lost',
    );
  const newest = Math.max(
    0,
    ...[...members.values()].map((each) => (each.kind === 'known' ? each.epoch : 0)),
  );
  const isOlder = [...members.values()].some((each) => each.kind === 'known' && isOlderThan(record, each));
  const isLost = !record || newest > record.epoch || isOlder;
  if (record && recordLost && !isLost)
    return unsafe(`Consul holds the record of epoch ${record.epoch}: leave --record-lost out`);
  if (record && isLost && !recordLost)
    return unsafe(
      `Consul holds the record of epoch ${record.epoch}, and ${isOlder ? 'it has changed since' : `epoch ${newest} is known`}: was a backup of Consul restored? If this member has the newest data, add --record-lost`,
    );
  if (isLost) return promoteLost(to, { oldPrimaryIsOff, recordLost }, id, seen);
  const old = holder ?? record?.members[0]?.name;
  const peer = old === undefined ? undefined : members.get(old);
  // One that hangs can hand nothing over: its agent fences it on the order.
  if (holder !== undefined && peer?.kind === 'known' && isLeading(peer) && isAnswering(peer))
    return unsafe(`${holder} is the primary and runs: "hotspare switchover --to ${to}" loses nothing`);
  const target = members.get(to);
  if (target?.kind === 'known' && !target.eligible.ok) return unsafe(target.eligible.why);
  return { kind: 'place', order: { kind: 'promote', id, to, oldPrimaryIsOff, recordLost } };
}

/** Who has most is judged by the ordered member itself, again and again: here only what is plain. */
function promoteLost(
  to: string,
  said: { readonly oldPrimaryIsOff: boolean; readonly recordLost: boolean },
  id: string,
  { members }: Situation,
): Judged {
  for (const [name, peer] of members)
    if (name !== to && peer.kind === 'known' && isLeading(peer) && !said.oldPrimaryIsOff)
      return unsafe(
        `${name} runs as the primary: it writes the record by itself once all members answer, or order that one`,
      );
  const target = members.get(to);
  if (target?.kind === 'known' && !target.eligible.ok) return unsafe(target.eligible.why);
  if (target?.kind === 'known' && target.self.kind === 'known' && !target.self.managed)
    return unsafe(`${to} is not managed: its keeper has let it go`);
  return { kind: 'place', order: { kind: 'promote', id, to, ...said } };
}

const isLeading = ({ self }: Extract<Peer, { kind: 'known' }>) =>
  self.kind === 'known' && self.process === 'running' && self.writable && self.gate.kind === 'open';

/** Its Postgres answers its keeper, which waits for a second. */
const isAnswering = ({ self }: Extract<Peer, { kind: 'known' }>) =>
  self.kind === 'known' && self.statements !== undefined;

/** Who holds the lease now. */
const holderOf = ({ leader }: ReadShared) =>
  leader.session === undefined ? undefined : leader.value?.member;

function unknownMember(member: string, { config }: Situation): Judged | undefined {
  if (config.members.has(member)) return undefined;
  return unsafe(`${member} is not a member; there are ${[...config.members.keys()].join(', ')}`);
}
