import { expect, test } from 'vitest';
import type { FailoverReport } from '../../common/failover/report.js';
import { findingsOf } from '../../status/failover/findings.js';
import { failoverSummary } from '../../status/failover/summary.js';
import { viewOf } from '../../status/failover/view.js';
import { renderSummary } from '../../cli/status/render.js';
import { renderManaged } from '../../cli/status/render-managed.js';
import { summarize, type FailoverReading } from '../../status/index.js';
import { agent, primary, readings, replica } from './readings.js';

type Self = Extract<FailoverReport['self'], { kind: 'known' }>;
type Shared = Extract<FailoverReport['shared'], { kind: 'read' }>;
const nowMs = 1_800_000_100_000;
const history = { systemId: '1', timeline: 3, forks: [] };
const policy: Shared['policy'] = {
  roles: 'managed',
  promotion: 'manual',
  durability: 'async',
  strict: false,
  paused: false,
};
const shared: Shared = {
  kind: 'read',
  isHeld: true,
  leader: { member: 'pg1', epoch: 3 },
  epoch: 3,
  record: { epoch: 3, durability: 'async', members: [{ name: 'pg1', incarnation: 'a' }], history },
  policy,
};
const primarySelf: Self = {
  kind: 'known',
  managed: true,
  data: 'present',
  process: 'running',
  writable: true,
  gate: { kind: 'open', proven: true },
  draining: false,
  incarnation: 'a',
  origin: '1',
  history,
  position: '3/0/3000000',
  statements: 0,
  feeds: [],
  slots: [],
  replayPaused: false,
  checkpointed: true,
};
const standbySelf: Self = {
  ...primarySelf,
  writable: false,
  gate: { kind: 'closed', proven: true },
  source: { address: '10.0.0.1', streaming: true, timeline: 3 },
};

interface World {
  readonly shared?: Partial<Shared> | 'unread';
  readonly pg1?: Change | 'away';
  readonly pg2?: Change | 'away';
}
type Change = Partial<Omit<FailoverReport, 'self'>> & { readonly self?: Partial<Self> | 'unknown' };

function reading(member: string, world: World): FailoverReading {
  const change = (member === 'pg1' ? world.pg1 : world.pg2) ?? {};
  const url = `http://${member}:8008`;
  if (change === 'away') return { kind: 'failed', url, why: `the agent at ${url} does not answer` };
  const { self, ...more } = change;
  const isFirst = member === 'pg1';
  const report: FailoverReport = {
    service: 'pg',
    member,
    epoch: 3,
    eligible: { ok: true },
    row: isFirst ? 'holder' : 'following',
    sentence: isFirst ? 'holds the lease, epoch 3' : 'follows pg1',
    publish: isFirst ? 'primary' : 'replica',
    holdsLease: isFirst,
    warnings: [],
    shared:
      world.shared === 'unread'
        ? { kind: 'unread', why: 'connection refused' }
        : { ...shared, ...world.shared },
    ...more,
    self:
      self === 'unknown'
        ? { kind: 'unknown', why: 'connection refused' }
        : { ...(isFirst ? primarySelf : standbySelf), ...self },
  };
  return { kind: 'read', url, report };
}

const viewIn = (world: World) =>
  viewOf(
    'pg',
    ['pg1', 'pg2'].map((member) => reading(member, world)),
    (url) => /\/\/(\w+):/.exec(url)?.[1],
    nowMs,
  );
const findingsIn = (world: World) => findingsOf(viewIn(world)!);

const stopped = { row: 'stopped', sentence: 'it does not run', publish: 'none' as const };
const order = (ageMs: number) =>
  ({
    kind: 'promote',
    id: `pg1-${nowMs - ageMs}-17`,
    to: 'pg2',
    oldPrimaryIsOff: false,
    recordLost: false,
  }) as const;
const autoAndSync = (...members: string[]) => ({
  policy: { ...policy, promotion: 'auto' as const, durability: 'sync' as const },
  record: {
    ...shared.record!,
    durability: 'sync' as const,
    members: members.map((name) => ({ name, incarnation: 'a' })),
  },
});
const withoutRecord = { isHeld: false, record: undefined, leader: undefined } as unknown as Partial<Shared>;

test('all is well: nothing to do, and the standby may be promoted', () => {
  expect(findingsIn({})).toEqual([]);
  expect(failoverSummary(viewIn({})!)).toMatchObject({
    epoch: 3,
    holder: 'pg1',
    members: [
      { member: 'pg1', gate: 'open', timeline: 3, promotable: { ok: false, why: 'it is the primary' } },
      { member: 'pg2', gate: 'closed', promotable: { ok: true } },
    ],
  });
});

test('observed roles are nothing of this', () => {
  expect(viewIn({ shared: { policy: { ...policy, roles: 'observe' } } })).toBeUndefined();
  expect(
    viewOf('pg', [{ kind: 'not-managed', url: 'http://pg1:8008', why: 'x' }], () => 'pg1', 0),
  ).toBeUndefined();
});

const auto = {
  policy: { ...policy, promotion: 'auto', durability: 'sync' },
  record: {
    ...shared.record!,
    durability: 'sync',
    members: [
      { name: 'pg1', incarnation: 'a' },
      { name: 'pg2', incarnation: 'a' },
    ],
  },
} as const satisfies Partial<Shared>;

test.each<[string, World, 'alert' | 'warning' | 'note', RegExp, RegExp]>([
  [
    'auto, and the standby is about to take over',
    {
      shared: auto as unknown as Partial<Shared>,
      pg1: 'away',
      pg2: { row: 'stand-back', sentence: 'the agent of pg1 does not answer; promoted once …' },
    },
    'alert',
    /Writes fail: pg2: the agent of pg1 does not answer/,
    /goes on by itself.*after a minute: "hotspare history"/,
  ],
  [
    'auto, and Consul has not ended the lease of a box that is gone',
    { shared: auto as unknown as Partial<Shared>, pg1: 'away' },
    'alert',
    /pg1, the primary, does not answer; pg2 takes its place once Consul has ended the lease/,
    /Wait some seconds/,
  ],
  [
    'auto, and as many failovers as the policy allows',
    {
      shared: { ...auto, record: { ...auto.record, failovers: [1, 2, 3] } } as unknown as Partial<Shared>,
      pg1: { ...stopped, row: 'braked', self: { process: 'stopped' } },
    },
    'alert',
    /pg1, the primary, does not run, and.*as many failovers in 10 minutes as maxFailovers allows/,
    /^"hotspare service start pg@pg1"; if it does not come back, "hotspare promote pg2": neither loses an acknowledged commit/,
  ],
  [
    'the primary is dead, manual',
    { pg1: { ...stopped, self: { process: 'stopped' } } },
    'alert',
    /^Writes fail: pg1, the primary, does not run\. promotion=manual/,
    /hotspare service start pg@pg1.*hotspare promote pg2/,
  ],
  [
    'the primary hangs, manual',
    { pg1: { self: { statements: undefined, position: undefined } } },
    'alert',
    /^Writes fail: pg1, the primary, runs and does not answer/,
    /^"hotspare promote pg2" ends Postgres on pg1 first; commits that only pg1 has are lost. Then "hotspare service start pg@pg1"/,
  ],
  [
    'sync, the primary hangs, and the standby was lost before',
    {
      shared: {
        policy: { ...policy, durability: 'sync' },
        record: { ...shared.record!, durability: 'sync', members: [{ name: 'pg1', incarnation: 'a' }] },
      },
      pg1: { self: { statements: undefined, position: undefined } },
    },
    'alert',
    /pg1, the primary, runs and does not answer/,
    /^"hotspare service stop pg@pg1", and "start" it\. Or, if it is lost for good/,
  ],
  [
    'the primary is dead, paused',
    { shared: { policy: { ...policy, paused: true } }, pg1: { ...stopped, self: { process: 'stopped' } } },
    'alert',
    /pg1, the primary, does not run\. An operator has paused/,
    /^"hotspare resume", once what it was paused for is over; then "hotspare service start pg@pg1"$/,
  ],
  [
    'the primary hangs, paused, auto',
    {
      shared: { ...autoAndSync('pg1', 'pg2'), policy: { ...autoAndSync().policy, paused: true } },
      pg1: { self: { statements: undefined, position: undefined } },
    },
    'alert',
    /pg1, the primary, runs and does not answer\. An operator has paused/,
    /^"hotspare resume", once what it was paused for is over; then "hotspare promote pg2"/,
  ],
  [
    'the primary is dead, paused, and its standby had been lost before',
    {
      shared: { ...autoAndSync('pg1'), policy: { ...autoAndSync().policy, paused: true } },
      pg1: { ...stopped, self: { process: 'stopped' } },
    },
    'alert',
    /pg1, the primary, does not run\. An operator has paused/,
    /^"hotspare resume", once what it was paused for is over; then "hotspare service start pg@pg1"$/,
  ],
  [
    'the primary is dead, paused, and would be replaced without a pause',
    {
      shared: { ...autoAndSync('pg1', 'pg2'), policy: { ...autoAndSync().policy, paused: true } },
      pg1: { ...stopped, self: { process: 'stopped' } },
    },
    'alert',
    /pg1, the primary, does not run\. An operator has paused/,
    /^"hotspare service start pg@pg1", then "hotspare resume"\. Resumed before it is back, it is replaced by pg2$/,
  ],
  [
    'sync, the primary is dead, and the standby was lost before',
    {
      shared: {
        policy: { ...policy, durability: 'sync' },
        record: {
          ...shared.record!,
          durability: 'sync',
          members: [{ name: 'pg1', incarnation: 'a' }],
          floor: '3/0/3000400',
        },
      },
      pg1: { ...stopped, self: { process: 'stopped', position: undefined } },
    },
    'alert',
    /pg1, the primary, does not run/,
    /service start pg@pg1.*"hotspare promote pg2 --old-primary-is-off" loses the commits that only pg1 has, at least 1024 bytes$/,
  ],
  [
    'the agent of the primary is away, and its Postgres still feeds the standby',
    {
      pg1: 'away',
      pg2: { self: { source: { address: '10.0.0.1', streaming: true, timeline: 3, heardMs: 900 } } },
    },
    'warning',
    /^The agent of pg1 does not tell how it is/,
    /restart hotspare-agent.*agent@pg1/,
  ],
  [
    'the keeper of the primary is away, and its Postgres still feeds the standby',
    {
      pg1: { row: 'blind', publish: 'none', self: 'unknown' },
      pg2: { self: { source: { address: '10.0.0.1', streaming: true, timeline: 3, heardMs: 900 } } },
    },
    'warning',
    /^The keeper of pg1 does not answer/,
    /restart hotspare-keeper.*keeper@pg1/,
  ],
  [
    'the primary’s box is away',
    { pg1: 'away' },
    'alert',
    /agent of pg1, the primary, does not answer/,
    /hotspare promote pg2 --old-primary-is-off/,
  ],
  [
    'no holder: the lease is free',
    {
      shared: { isHeld: false },
      pg1: {
        row: 'take-recorded',
        sentence: 'it takes the lease',
        publish: 'none',
        self: { writable: false },
      },
    },
    'alert',
    /pg1 is not open: it takes the lease/,
    /Wait a moment.*hotspare promote pg2/,
  ],
  [
    'a stray, promoted by hand',
    { pg2: { row: 'stray', sentence: 'quarantined', publish: 'none', self: { writable: true } } },
    'warning',
    /pg2 was promoted by hand.*acknowledges nothing/,
    /^"hotspare reinit pg2/,
  ],
  [
    'quarantined',
    {
      pg2: {
        row: 'quarantined',
        sentence: 'quarantined: another history; "hotspare reinit pg2" rebuilds it',
        publish: 'none',
      },
    },
    'warning',
    /^pg2 cannot follow: another history\.$/,
    /^"hotspare reinit pg2/,
  ],
  [
    'paused',
    { shared: { policy: { ...policy, paused: true } } },
    'warning',
    /has paused/,
    /^"hotspare resume"$/,
  ],
  [
    'the record is lost',
    { shared: withoutRecord },
    'alert',
    /lost the record.*pg1 knows epoch 3 and has 3\/0\/3000000/,
    /all members up.*hotspare promote pg1 --record-lost/,
  ],
  [
    'Consul came back from a backup',
    { pg1: { epoch: 5 } },
    'alert',
    /it holds epoch 3, and pg1 knows 5/,
    /writes the record again by itself.*--record-lost/,
  ],
  [
    'Consul came back from a backup of the same epoch',
    { pg2: { row: 'epoch-behind' } },
    'alert',
    /pg2 has seen a newer record of epoch 3\. The record above does not count/,
    /^pg1 writes the record again by itself.*hotspare promote pg2 --record-lost/,
  ],
  [
    'Consul came back from a backup of the same epoch, and of two that do not run as the primary the second has more',
    {
      shared: { isHeld: false },
      pg1: { publish: 'replica', row: 'epoch-behind', self: { writable: false, position: '3/0/3000000' } },
      pg2: { row: 'epoch-behind', self: { position: '3/0/3000100' } },
    },
    'alert',
    /No member runs as the primary; pg1 has 3\/0\/3000000, pg2 has 3\/0\/3000100/,
    /^"hotspare promote pg2 --record-lost" goes by what the members have, and not by Consul: of those that answer, none is newer$/,
  ],
  [
    'Consul came back from a backup, and the primary runs: it is not the one to promote',
    { pg1: { self: { position: '3/0/3000100' } }, pg2: { row: 'epoch-behind' } },
    'alert',
    /pg2 has seen a newer record of epoch 3\. The record above does not count/,
    /hotspare promote pg2 --record-lost/,
  ],
  [
    'Consul came back from a backup, and a demoted member has a longer branch that was left',
    {
      shared: { isHeld: false },
      pg1: { publish: 'replica', row: 'epoch-behind', self: { writable: false, position: '3/0/3000500' } },
      pg2: { row: 'epoch-behind', self: { position: '4/0/3000100' } },
    },
    'alert',
    /No member runs as the primary/,
    /^"hotspare promote pg2 --record-lost" goes by what the members have, and not by Consul: of those that answer, none is newer$/,
  ],
  [
    'Consul lost its data, and no member runs as the primary',
    {
      shared: withoutRecord,
      pg1: { publish: 'replica', row: 'record-lost', self: { writable: false, position: '3/0/3000000' } },
      // It streams from what has come back as a standby: that is not a primary.
      pg2: { row: 'record-lost' },
    },
    'alert',
    /lost the record of who has every commit, and no member runs as the primary\. pg1 knows epoch 3 and has/,
    /^"hotspare promote pg1 --record-lost" goes by what the members have, and not by Consul: of those that answer, none is newer$/,
  ],
  [
    'Consul lost its data, and what was the primary does not run',
    {
      shared: withoutRecord,
      pg1: { publish: 'none', row: 'record-lost', self: { process: 'stopped', position: undefined } },
      pg2: { row: 'record-lost' },
    },
    'alert',
    /lost the record of who has every commit, and no member runs as the primary/,
    /^"hotspare service start pg@pg1", and look again/,
  ],
  [
    'Consul came back from a backup, and no member runs as the primary',
    {
      pg1: { publish: 'none', row: 'epoch-behind', self: { writable: false } },
      pg2: { epoch: 4, row: 'epoch-behind' },
    },
    'alert',
    /it holds epoch 3, and pg2 knows 4.*No member runs as the primary/,
    /^"hotspare promote pg2 --record-lost" goes by what the members have, and not by Consul: of those that answer, none is newer$/,
  ],
  [
    "the primary's data was moved to another disk",
    { pg1: { publish: 'replica', row: 'no-holder', self: { writable: false, incarnation: 'moved' } } },
    'alert',
    /the data on pg1 is another copy than the one that the record names/,
    /^If it has everything: "hotspare promote pg1"\. Or/,
  ],
  [
    'no primary at all',
    {
      shared: withoutRecord,
      pg1: { epoch: 0, row: 'unmanaged', self: { managed: false, writable: false, position: '3/0/1000' } },
      pg2: { epoch: 0, row: 'unmanaged', self: { managed: false } },
    },
    'alert',
    /No member runs as a primary, and Consul names none\. pg2 has most: 3\/0/,
    /^On pg2: psql -c 'SELECT pg_promote\(\)'/,
  ],
  [
    'replay is paused',
    { pg2: { self: { replayPaused: true } } },
    'warning',
    /Replay is paused on pg2/,
    /pg_wal_replay_resume/,
  ],
  [
    'not streaming',
    {
      pg2: {
        row: 'follow',
        sentence: 'begins to follow pg1',
        self: { source: undefined, position: '3/0/2FFFFFF' },
      },
    },
    'warning',
    /pg2 does not stream from pg1, and is 1 bytes behind, though that serves: the link/,
    /^Try the network from pg2 to pg1.*"hotspare reinit pg2/,
  ],
  ['lag', { pg2: { self: { position: '3/0/1000' } } }, 'warning', /pg2 is 50327552 bytes behind/, /--watch/],
  [
    'a keeper is away',
    { pg2: { row: 'blind', self: 'unknown' } },
    'warning',
    /keeper of pg2 does not answer \(connection refused\)/,
    /restart hotspare-keeper.*lab start keeper@pg2/,
  ],
  [
    'an agent is away',
    { pg2: 'away' },
    'warning',
    /agent of pg2 does not tell/,
    /restart hotspare-agent.*agent@pg2/,
  ],
  [
    'Consul is away',
    { shared: 'unread' },
    'alert',
    /No agent can read Consul \(connection refused\): roles stay as they are, and pg1 stays the primary\. Restart no Postgres/,
    /restart consul/,
  ],
  [
    'half rejoined',
    { pg2: { row: 'clone', self: { data: 'half-done', process: 'stopped' } } },
    'warning',
    /rebuild of pg2 was begun and did not end/,
    /^Wait/,
  ],
  [
    'an order is stuck',
    { shared: { order: order(60_000) }, pg2: { sentence: 'pg1 is not known to be fenced' } },
    'warning',
    /stood for 60 s: promote pg2. pg2: pg1 is not known to be fenced/,
    /^"hotspare withdraw/,
  ],
  [
    'an order is under way',
    { shared: { order: order(1_000) } },
    'note',
    /under way: promote pg2/,
    /history -f/,
  ],
  [
    'an unmanaged member',
    { pg2: { row: 'unmanaged', sentence: 'another database', self: { managed: false } } },
    'warning',
    /pg2 is not managed: another database/,
    /Provision pg2 again/,
  ],
  [
    'the spare does not run',
    { pg2: { ...stopped, self: { process: 'stopped' } } },
    'warning',
    /pg2 does not run/,
    /^"hotspare service start pg@pg2"$/,
  ],
  [
    'two are open',
    { pg2: { self: { writable: true, gate: { kind: 'open', proven: true } } } },
    'alert',
    /pg1 and pg2 are writable with open gates/,
    /^"hotspare service stop pg@pg2"$/,
  ],
  [
    'one is never promoted',
    { pg2: { eligible: { ok: false, why: 'priority: 0' } } },
    'note',
    /pg2 is never promoted: priority: 0/,
    /configuration/,
  ],
])('%s', (_, world, severity, cause, next) => {
  const [first, ...more] = findingsIn(world);
  expect(first).toMatchObject({
    severity,
    cause: expect.stringMatching(cause) as string,
    next: expect.stringMatching(next) as string,
  });
  // One thing that is wrong is said once.
  expect(more.filter(({ severity }) => severity !== 'note')).toEqual([]);
});

test('the worst comes first', () => {
  const both = findingsIn({
    pg1: { ...stopped, self: { process: 'stopped' } },
    pg2: { self: { replayPaused: true } },
  });
  expect(both.map(({ severity }) => severity)).toEqual(['alert', 'warning']);
  expect(both[0]?.next).toContain('No other member can take over');
});

test('what a member’s agent warns of is shown, with what to do; a restart that is waited for harms nothing', () => {
  const warnings = [
    'commits of app have synchronous_commit=off: they wait for no gate; ALTER ROLE',
    'Postgres has to be restarted for shared_buffers to take effect; switch over first',
    'the ledger cannot be read',
  ];
  expect(findingsIn({ pg1: { warnings } })).toMatchObject([
    {
      severity: 'warning',
      cause: 'pg1: commits of app have synchronous_commit=off: they wait for no gate.',
      next: 'ALTER ROLE',
    },
    {
      severity: 'warning',
      cause: 'pg1: the ledger cannot be read.',
      next: 'The log of the agent of pg1 tells more',
    },
    {
      severity: 'note',
      cause: 'pg1: Postgres has to be restarted for shared_buffers to take effect.',
      next: 'switch over first',
    },
  ]);
});

const named = (...members: string[]): Partial<Shared> => ({
  policy: { ...policy, durability: 'sync' },
  record: {
    ...shared.record!,
    durability: 'sync',
    members: members.map((name) => ({ name, incarnation: 'a' })),
  },
});

test('sync: with the standby in the record all is well; alone it is degraded, and strict writes that wait are an alert', () => {
  expect(findingsIn({ shared: named('pg1', 'pg2') })).toEqual([]);
  const alone = 'degraded: commits are acknowledged on pg1 alone; pg2 does not keep up';
  expect(findingsIn({ shared: named('pg1'), pg1: { row: 'degraded', sentence: alone } })).toMatchObject([
    {
      severity: 'warning',
      cause:
        'durability=sync is degraded (pg2 does not keep up): a commit is on pg1 alone, and would be lost with it.',
    },
  ]);
  const strict = named('pg1', 'pg2');
  expect(
    findingsIn({
      shared: { ...strict, policy: { ...strict.policy!, strict: true } },
      pg1: { row: 'standby-behind', sentence: 'commits wait' },
    }),
  ).toMatchObject([{ severity: 'alert', next: expect.stringContaining('strict=false') }]);
});

test.each([
  ['does not run', { self: { process: 'stopped' }, ...stopped }, '"hotspare service start pg@pg2"'],
  [
    'was promoted by hand',
    { row: 'stray', sentence: 'quarantined', self: { writable: true } },
    '"hotspare reinit pg2"',
  ],
] as const)('sync: where the standby %s, degraded and strict say what to type first', (_, pg2, typed) => {
  const nextOf = (world: World) => findingsIn({ ...world, pg2 })[0]?.next;
  expect(nextOf({ shared: named('pg1') })).toMatch(
    new RegExp(`^${typed}. Once it streams and keeps up, it is added`),
  );
  const strict = named('pg1', 'pg2');
  expect(
    nextOf({
      shared: { ...strict, policy: { ...strict.policy!, strict: true } },
      pg1: { row: 'standby-behind', sentence: 'commits wait' },
    }),
  ).toMatch(new RegExp(`^${typed}. Or "hotspare policy set strict=false"`));
});

test('sync: the primary is lost: the member in the record loses nothing, another copy of it is not said to', () => {
  const lost = { shared: { ...named('pg1', 'pg2'), isHeld: false }, pg1: 'away' } as const;
  expect(findingsIn(lost)[0]?.next).toContain('"hotspare promote pg2" loses no acknowledged commit');
  expect(findingsIn({ ...lost, pg2: { self: { incarnation: 'b' } } })[0]?.next).toContain(
    '--old-primary-is-off',
  );
});

test('the table: of a member that was promoted by hand it says so, and explains itself only where something is amiss', () => {
  const shown = (world: World) => {
    const failover = ['pg1', 'pg2'].map((member) => reading(member, world));
    const seen = { ...primary, timeline: 4 };
    const agents = [agent('pg1', primary), agent('pg2', world.pg2 ? seen : replica)];
    const summary = summarize({ ...readings({ agents }), failover }, { maxLagBytes: 0 });
    return renderManaged(summary, summary.failover!, nowMs);
  };
  const stray = shown({
    pg2: { row: 'stray', sentence: 'quarantined', publish: 'none', self: { writable: true } },
  });
  expect(stray).toMatch(/^pg1 .* primary +passing /m);
  expect(stray).toMatch(/^pg2 .* quarantined +passing /m);
  expect(stray).toContain('TL: timeline');
  expect(shown({})).not.toContain('TL: timeline');
});

test('two standbys whose agents say that none of them is a primary: reads work, and writes fail', () => {
  const standbys = (pg1: Change) =>
    summarize(
      {
        ...readings({ agents: [agent('pg1', replica), agent('pg2', replica)] }),
        failover: ['pg1', 'pg2'].map((member) =>
          reading(member, { shared: withoutRecord, pg1, pg2: { row: 'record-lost' } }),
        ),
      },
      { maxLagBytes: 0 },
    );
  const demoted = standbys({ publish: 'replica', row: 'record-lost', self: { writable: false } });
  expect(demoted).toMatchObject({ mode: 'read-only', degraded: true, why: [] });
  // The probe saw it before it was promoted.
  expect(standbys({}).mode).toBeNull();
});

test('observed roles with promotion=auto: what would be done is told, one sentence a member', () => {
  const rehearse = (member: string, sentence: string) => ({
    ...reading(member, {
      shared: { policy: { ...policy, roles: 'observe', promotion: 'auto', durability: 'sync' } },
      [member]: { row: 'rehearsal-lost', sentence: `rehearsal: ${sentence}` },
    }),
  });
  const summary = summarize(
    {
      service: 'pg',
      consul: { kind: 'failed', why: 'x' },
      agents: [],
      failover: [rehearse('pg2', 'pg1 is lost'), rehearse('pg1', 'it does not run')],
    },
    { maxLagBytes: 0 },
  );
  expect(summary.rehearsal).toEqual([
    { member: 'pg1', sentence: 'it does not run' },
    { member: 'pg2', sentence: 'pg1 is lost' },
  ]);
  expect(renderSummary(summary, nowMs)).toContain(
    'On trial, nothing is touched:\n  - pg1: it does not run\n  - pg2: pg1 is lost',
  );
});
