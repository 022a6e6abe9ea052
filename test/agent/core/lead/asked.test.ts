import { describe, expect, test } from 'vitest';
import { judgeRequest, type Situation } from '../../../../agent/core/lead/asked.js';
import type { Peer, ReadShared, Self } from '../../../../agent/core/lead/model.js';
import type { OrderRequest } from '../../../../common/failover/report.js';
import type { FailoverOrder, Policy } from '../../../../common/failover/shapes.js';
import { history, place, policy, running } from './builders.js';

const peer = (self: Self, eligible: Extract<Peer, { kind: 'known' }>['eligible'] = { ok: true }): Peer => ({
  kind: 'known',
  self,
  epoch: 1,
  eligible,
});

interface Given {
  readonly policy?: Partial<Policy>;
  readonly order?: FailoverOrder;
  readonly isHeld?: boolean;
  readonly hasRecord?: boolean;
  /** Default `pg1`. */
  readonly asked?: string;
  /** The record names pg2 as its standby; default false. */
  readonly isSync?: boolean;
  readonly members?: Record<string, Peer>;
  readonly names?: readonly string[];
  readonly handedOverForMs?: number;
}

function situation({ isHeld = true, hasRecord = true, ...given }: Given): Situation {
  const names = given.names ?? ['pg1', 'pg2'];
  const shared: ReadShared = {
    kind: 'read',
    leader: { index: 1, value: { member: 'pg1', epoch: 1 }, session: isHeld ? 's' : undefined },
    epoch: { index: 1, value: 1 },
    record: {
      index: 1,
      value: hasRecord
        ? {
            epoch: 1,
            durability: given.isSync ? 'sync' : 'async',
            members: ['pg1', ...(given.isSync ? ['pg2'] : [])].map((name) => ({ name, incarnation: 'a' })),
            history,
          }
        : undefined,
    },
    policy: { index: 0, value: undefined },
    order: { index: 0, value: given.order },
  };
  const members = given.members ?? { pg1: peer(running(true)), pg2: peer(running(false)) };
  return {
    config: {
      member: given.asked ?? 'pg1',
      members: new Map(names.map((name) => [name, place])),
      firstPolicy: policy,
    },
    shared,
    policy: { ...policy, ...given.policy },
    members: new Map(Object.entries(members)),
    handedOverForMs: given.handedOverForMs ?? 0,
  };
}

const auto = { promotion: 'auto', durability: 'sync' } as const;
const standing: FailoverOrder = { kind: 'switchover', id: 'o', from: 'pg1', to: 'pg2', handedOver: false };
const away: Peer = { kind: 'unknown', why: 'the agent of pg2 does not answer' };

const rows: [string, OrderRequest, Given, string][] = [
  ['to the one other member', { kind: 'switchover' }, {}, 'place switchover pg1 pg2'],
  ['to a named member', { kind: 'switchover', to: 'pg2' }, {}, 'place switchover pg1 pg2'],
  ['to the primary', { kind: 'switchover', to: 'pg1' }, {}, 'unsafe: pg1 is the primary already'],
  ['to a stranger', { kind: 'switchover', to: 'pg9' }, {}, 'unsafe: pg9 is not a member'],
  ['among three', { kind: 'switchover' }, { names: ['pg1', 'pg2', 'pg3'] }, 'unsafe: there are several'],
  ['without a holder', { kind: 'switchover' }, { isHeld: false }, 'unsafe: pg1 is named by the record'],
  ['before the first record', { kind: 'switchover' }, { isHeld: false, hasRecord: false }, 'unsafe: Consul'],
  [
    'to one that is away',
    { kind: 'switchover' },
    { members: { pg1: peer(running(true)), pg2: away } },
    'unsafe: the agent of pg2 does not answer',
  ],
  [
    'to one of priority 0',
    { kind: 'switchover' },
    { members: { pg2: peer(running(false), { ok: false, why: 'pg2 has priority: 0' }) } },
    'unsafe: pg2 has priority: 0',
  ],
  ['while roles are observed', { kind: 'switchover' }, { policy: { roles: 'observe' } }, 'unsafe: roles are'],
  ['while paused', { kind: 'switchover' }, { policy: { paused: true } }, 'unsafe: the service is paused'],
  ['beside another order', { kind: 'promote', to: 'pg2' }, { order: standing }, 'conflict: another order'],
  ['before a stop', { kind: 'stopping' }, { policy: auto, isSync: true }, 'place switchover pg1 pg2'],
  [
    'before a stop, in the middle of a switchover from there',
    { kind: 'stopping' },
    { policy: auto, isSync: true, order: standing },
    'stands switchover pg1 pg2',
  ],
  ['before a stop, by hand', { kind: 'stopping' }, { isSync: true }, 'unsafe: promotion=manual'],
  [
    'before a stop of the standby',
    { kind: 'stopping' },
    { policy: auto, isSync: true, asked: 'pg2' },
    'unsafe: pg2 is not',
  ],
  [
    'before a stop, alone in the record',
    { kind: 'stopping' },
    { policy: auto },
    'unsafe: the record names pg1 alone',
  ],
  [
    'before a stop, while the standby is away',
    { kind: 'stopping' },
    { policy: auto, isSync: true, members: { pg1: peer(running(true)), pg2: away } },
    'unsafe: the agent of pg2 does not answer',
  ],
  ['promote beside a running primary', { kind: 'promote', to: 'pg2' }, {}, 'unsafe: pg1 is the primary and'],
  [
    'promote beside a running primary that is said to be off',
    { kind: 'promote', to: 'pg2', oldPrimaryIsOff: true },
    {},
    'unsafe: pg1 is the primary and runs',
  ],
  [
    'promote beside a primary that hangs: it is fenced on the order',
    { kind: 'promote', to: 'pg2' },
    {
      members: { pg1: peer({ ...running(true), statements: undefined } as Self), pg2: peer(running(false)) },
    },
    'place promote pg2',
  ],
  [
    'promote after the primary was lost',
    { kind: 'promote', to: 'pg2' },
    { members: { pg1: { kind: 'unknown', why: 'x' }, pg2: peer(running(false)) } },
    'place promote pg2',
  ],
  [
    'promote without a record',
    { kind: 'promote', to: 'pg2' },
    { hasRecord: false },
    'unsafe: Consul holds no',
  ],
  [
    'promote without a record, said, while the primary runs',
    { kind: 'promote', to: 'pg2', recordLost: true },
    { hasRecord: false, isHeld: false },
    'unsafe: pg1 runs as the primary',
  ],
  [
    'promote without a record, said, and the primary does not answer',
    { kind: 'promote', to: 'pg2', recordLost: true },
    {
      hasRecord: false,
      isHeld: false,
      members: { pg1: { kind: 'unknown', why: 'x' }, pg2: peer(running(false)) },
    },
    'place promote pg2',
  ],
  [
    'promote without a record one whose keeper has let it go',
    { kind: 'promote', to: 'pg2', recordLost: true },
    {
      hasRecord: false,
      isHeld: false,
      members: {
        pg1: { kind: 'unknown', why: 'x' },
        pg2: peer({ ...running(false), managed: false } as Self),
      },
    },
    'unsafe: pg2 is not managed',
  ],
  [
    'promote with a record that is older than what a member knows',
    { kind: 'promote', to: 'pg2' },
    {
      isHeld: false,
      members: {
        pg1: { kind: 'unknown', why: 'x' },
        pg2: { ...peer(running(false)), epoch: 9 } as Peer,
      },
    },
    'unsafe: Consul holds the record of epoch',
  ],
  [
    'promote with a record that has changed since within its epoch, as a member knows',
    { kind: 'promote', to: 'pg2' },
    {
      isHeld: false,
      members: {
        pg1: { kind: 'unknown', why: 'x' },
        pg2: { ...peer(running(false)), revision: 2 } as Peer,
      },
    },
    'unsafe: Consul holds the record of epoch 1, and it has changed since',
  ],
  [
    'that, said',
    { kind: 'promote', to: 'pg2', recordLost: true },
    {
      isHeld: false,
      members: {
        pg1: { kind: 'unknown', why: 'x' },
        pg2: { ...peer(running(false)), revision: 2 } as Peer,
      },
    },
    'place promote pg2',
  ],
  [
    'the same, said',
    { kind: 'promote', to: 'pg2', recordLost: true },
    {
      isHeld: false,
      members: {
        pg1: { kind: 'unknown', why: 'x' },
        pg2: { ...peer(running(false)), epoch: 9 } as Peer,
      },
    },
    'place promote pg2',
  ],
  [
    'a record that is not lost',
    { kind: 'promote', to: 'pg2', recordLost: true },
    { isHeld: false },
    'unsafe: Consul holds the record',
  ],
  ['rebuild the primary', { kind: 'rejoin', member: 'pg1', method: 'basebackup' }, {}, 'unsafe: pg1 is the'],
  ['rebuild a spare', { kind: 'rejoin', member: 'pg2', method: 'basebackup' }, {}, 'place rejoin pg2'],
  ['take back what is not there', { kind: 'withdraw' }, {}, 'conflict: no order stands'],
  [
    'take back somebody else’s',
    { kind: 'withdraw', id: 'x' },
    { order: standing },
    'conflict: another order stands by now',
  ],
  ['take back one’s own', { kind: 'withdraw', id: 'o' }, { order: standing }, 'remove'],
  ['take back', { kind: 'withdraw' }, { order: standing, policy: { paused: true } }, 'remove'],
  [
    'take back too late',
    { kind: 'withdraw' },
    { order: { ...standing, handedOver: true } },
    'conflict: the lease was handed over',
  ],
  [
    'take back what was handed over and not taken for 10 seconds',
    { kind: 'withdraw' },
    { order: { ...standing, handedOver: true }, handedOverForMs: 10_000 },
    'remove',
  ],
];

describe('what an operator asks for', () => {
  test.each(rows)('%s', (_, request, given, expected) => {
    const judged = judgeRequest(request, 'id', situation(given));
    const shown =
      judged.kind === 'refuse'
        ? `${judged.code}: ${judged.why}`
        : judged.kind === 'remove'
          ? 'remove'
          : `${judged.kind} ${judged.order.kind} ${
              judged.order.kind === 'switchover'
                ? `${judged.order.from} ${judged.order.to}`
                : judged.order.kind === 'promote'
                  ? judged.order.to
                  : judged.order.member
            }`;
    expect(shown).toMatch(new RegExp(`^${expected.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`));
  });
});
