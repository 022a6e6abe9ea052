import { afterEach, expect, test } from 'vitest';
import type { Answered, LeasePort, LeaseWatcher, Written } from '../../../../agent/lease-port.js';
import type { KnownSelf, LeadDecision, Ledger } from '../../../../agent/core/lead/model.js';
import { rereadMs } from '../../../../agent/shell/lead/pace.js';
import { LeadLoop } from '../../../../agent/shell/lead/loop.js';
import type { Record } from '../../../../common/failover/shapes.js';
import type { Snapshot } from '../../../../common/failover/snapshot.js';
import { systemClock } from '../../../../common/runtime/clock.js';
import { createLog } from '../../../../common/runtime/log.js';
import { eventuallyMs } from '../../../support/patience.js';
import { waitFor } from '../../../support/wait.js';

const history = { systemId: '1', timeline: 1, forks: [] };
const record = (epoch: number, name: string): Record => ({
  epoch,
  durability: 'async',
  members: [{ name, incarnation: name === 'pg1' ? 'a' : 'b' }],
  history,
});

/** What stood in Consul once so much had been written. */
const snapshot = (index: number, epoch: number, holder: string): Snapshot => ({
  leader: { kind: 'value', index, value: { member: holder, epoch } },
  holder: `session of ${holder}`,
  epoch: { kind: 'value', index, value: epoch },
  record: { kind: 'value', index, value: record(epoch, holder) },
  policy: { kind: 'absent', index: 0 },
  order: { kind: 'absent', index: 0 },
});
const mine = snapshot(10, 1, 'pg1');

/** A primary behind its gate, which confirms its lease before the gate opens. */
const self: KnownSelf = {
  kind: 'known',
  managed: true,
  data: 'present',
  process: 'running',
  writable: true,
  gate: { kind: 'closed', proven: true },
  draining: false,
  busy: undefined,
  incarnation: 'a',
  origin: '1',
  history,
  position: undefined,
  statements: 0,
  source: undefined,
  feeds: [],
  slots: ['pg2'],
  replayPaused: false,
  checkpointed: true,
};
const ledger: Ledger = {
  epoch: 1,
  seenEpoch: 1,
  held: 1,
  session: 'session of pg1',
  holder: true,
  rejoining: undefined,
};

let stop = new AbortController();
afterEach(() => stop.abort());

/** An agent of pg1 whose calls to Consul are answered when the test says so; writes at once, where that is given. */
function started(write?: Written) {
  stop = new AbortController();
  let watcher: LeaseWatcher | undefined;
  const writes: ((written: Written) => void)[] = [];
  const reads: ((read: Answered<{ readonly snapshot: Snapshot }>) => void)[] = [];
  const decisions: LeadDecision[] = [];
  const lease: LeasePort = {
    read: () => new Promise((resolve) => reads.push(resolve)),
    watch: (given) => {
      watcher = given;
      given.onSnapshot(mine);
      return new Promise(() => {});
    },
    askAnew: () => {},
    openSession: () => Promise.resolve({ kind: 'failed', why: 'not in this test' }),
    signOfLife: () => Promise.resolve({ kind: 'done' }),
    lookUpSession: () => Promise.resolve({ kind: 'answered', state: 'valid' }),
    destroySession: () => Promise.resolve({ kind: 'done' }),
    write: () => (write ? Promise.resolve(write) : new Promise((resolve) => writes.push(resolve))),
  };
  const place = { address: '127.0.0.1', port: 1 };
  const loop = new LeadLoop({
    config: {
      member: 'pg1',
      members: new Map([
        ['pg1', place],
        ['pg2', place],
      ]),
      firstPolicy: {
        roles: 'managed',
        promotion: 'manual',
        durability: 'async',
        strict: false,
        paused: false,
      },
      compare: () => 0,
      distance: () => 0,
      hasAllOf: () => true,
      maxLag: 0,
      isEligible: true,
    },
    keeper: {
      look: () => Promise.resolve(self),
      perform: (action) => Promise.resolve({ kind: 'failed', action, why: 'not in this test' }),
    },
    lease,
    ledger: { read: () => Promise.resolve(ledger), write: () => Promise.resolve() },
    peers: { ask: () => Promise.resolve({ kind: 'unknown', why: 'not in this test' }) },
    startProcess: () => Promise.resolve(),
    published: () => 'none',
    isServing: () => true,
    onDecision: (decision) => decisions.push(decision),
    clock: systemClock,
    log: createLog('test', 'silent'),
  });
  void loop.run(stop.signal);
  return {
    writes,
    reads,
    decisions,
    hears: (seen: Snapshot) => watcher?.onSnapshot(seen),
    epochSeen: () => (loop.shared.kind === 'read' ? loop.shared.record.value?.epoch : undefined),
  };
}

const decidedOn = async (decisions: readonly LeadDecision[], rows: readonly string[]) => {
  const before = decisions.length;
  await waitFor(`one of the rows ${rows.join(', ')}`, eventuallyMs, () =>
    decisions.slice(before).some(({ row }) => rows.includes(row)),
  );
};

test('the answer to an own write that comes after a newer look does not take that back', async () => {
  const { writes, decisions, hears, epochSeen } = started();
  await waitFor('a confirmation', eventuallyMs, () => writes.length > 0);
  hears(snapshot(20, 2, 'pg2'));
  writes[0]?.({ kind: 'applied', snapshot: snapshot(11, 1, 'pg1') });
  await decidedOn(decisions, ['demoted', 'linger', 'step-down']);
  expect(epochSeen()).toBe(2);
});

test('the answer to an own write counts at once where nothing newer was seen, though its numbers be smaller', async () => {
  const { writes, decisions, epochSeen } = started();
  await waitFor('a confirmation', eventuallyMs, () => writes.length > 0);
  writes[0]?.({ kind: 'applied', snapshot: snapshot(5, 1, 'pg1') });
  await decidedOn(decisions, ['open-gate']);
  expect(epochSeen()).toBe(1);
});

test('nor does a read that was asked before the newer look', async () => {
  const { reads, decisions, hears, epochSeen } = started({ kind: 'failed', why: 'not in this test' });
  await decidedOn(decisions, ['confirm']);
  // A backup of Consul has smaller numbers: what is seen is asked for once more.
  hears(snapshot(9, 1, 'pg1'));
  await waitFor('a read', rereadMs + eventuallyMs, () => reads.length > 0);
  hears(snapshot(20, 2, 'pg2'));
  reads[0]?.({ kind: 'answered', snapshot: snapshot(11, 1, 'pg1') });
  await decidedOn(decisions, ['demoted', 'linger', 'step-down']);
  expect(epochSeen()).toBe(2);
});
