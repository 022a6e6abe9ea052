import { expect, test } from 'vitest';
import { lead } from '../../../../agent/core/lead/decide.js';
import {
  emptyLedger,
  initialState,
  type KnownSelf,
  type LeadObservation,
  type LeadState,
  type Peer,
} from '../../../../agent/core/lead/model.js';

const place = (port: number) => ({ address: '127.0.0.1', port });
const configOf = (member: string) => ({
  member,
  members: new Map([
    ['pg1', place(1)],
    ['pg2', place(2)],
  ]),
  firstPolicy: {
    roles: 'observe',
    promotion: 'auto',
    durability: 'sync',
    strict: false,
    paused: false,
  } as const,
  compare: () => 0,
  distance: () => 0,
  hasAllOf: () => true,
  maxLag: 0,
  isEligible: true,
});
const primary: KnownSelf = {
  kind: 'known',
  managed: false,
  data: 'present',
  process: 'running',
  writable: true,
  gate: { kind: 'open', proven: false },
  draining: false,
  busy: undefined,
  incarnation: 'a',
  origin: '1',
  history: { systemId: '1', timeline: 1, forks: [] },
  position: '1/0/100',
  statements: 0,
  source: undefined,
  feeds: [{ name: 'pg2.x', position: '1/0/100' }],
  slots: [],
  replayPaused: false,
  checkpointed: true,
};
const standby: KnownSelf = {
  ...primary,
  writable: false,
  feeds: [],
  source: { ...place(1), streaming: true, timeline: 1, heardMs: 10 },
};
const alive: Peer = { kind: 'known', self: primary, epoch: 0, eligible: { ok: true } };
const gone: Peer = { kind: 'unknown', why: 'the agent of pg1 cannot be reached', isUnreachable: true };

const seen = (nowMs: number, self: KnownSelf, peer: Peer, isServing: boolean | undefined = true) =>
  ({
    nowMs,
    askedMs: nowMs,
    wallMs: nowMs,
    isServing,
    isStopping: false,
    self,
    shared: {
      kind: 'read',
      leader: { index: 0, value: undefined, session: undefined },
      epoch: { index: 0, value: undefined },
      record: { index: 0, value: undefined },
      policy: { index: 0, value: undefined },
      order: { index: 0, value: undefined },
    },
    session: { kind: 'none' },
    peers: new Map([[self === primary ? 'pg2' : 'pg1', peer]]),
    ledger: emptyLedger,
    published: 'replica',
    outcome: undefined,
  }) satisfies LeadObservation;

/** Rows of these looks, one after the other. */
function rowsOf(member: string, looks: readonly LeadObservation[]) {
  let state: LeadState = initialState;
  return looks.map((each) => {
    const decision = lead(state, each, configOf(member));
    ({ state } = decision);
    expect(decision.action).toBeUndefined();
    expect(decision.publish).toBe('as-seen');
    return decision;
  });
}
const lost = { ...standby, source: undefined };

test('a standby says that it would be promoted once its primary has been silent for long enough, and when that is over', () => {
  const decisions = rowsOf('pg2', [
    seen(0, standby, alive),
    seen(100, lost, gone),
    seen(1_000, lost, gone),
    seen(1_300, lost, gone),
    seen(1_400, standby, alive),
  ]);
  expect(decisions.map(({ row }) => row)).toEqual([
    'rehearsal',
    'rehearsal',
    'rehearsal',
    'rehearsal-lost',
    'rehearsal',
  ]);
  expect(decisions[3]?.sentence).toBe(
    'rehearsal: pg1 is lost (the agent of pg1 cannot be reached, for at least 1000 ms): with roles=managed this member would be promoted now, if the record named it',
  );
});

test('a primary that lives and an agent that does not answer: nothing would be done while WAL comes in', () => {
  const rows = rowsOf('pg2', [seen(0, standby, alive), seen(100, standby, gone), seen(9_000, standby, gone)]);
  expect(rows.map(({ row }) => row)).toEqual(['rehearsal', 'rehearsal', 'rehearsal']);
});

test('a primary that is stopped, or serves nothing for 2 seconds, would give its place to whoever streamed from it', () => {
  const stopped: KnownSelf = { ...primary, process: 'stopped', feeds: [] };
  const rows = rowsOf('pg1', [
    seen(0, primary, alive),
    seen(100, stopped, alive, false),
    seen(5_000, primary, alive),
    seen(5_100, primary, alive, false),
    seen(7_100, primary, alive, false),
  ]);
  expect(rows.map(({ row }) => row)).toEqual([
    'rehearsal',
    'rehearsal-down',
    'rehearsal',
    'rehearsal',
    'rehearsal-down',
  ]);
  expect(rows[1]?.sentence).toBe('rehearsal: it does not run: with roles=managed pg2 would take its place');
});
