import { expect, test } from 'vitest';
import type { KnownSelf } from '../../../agent/core/lead/model.js';
import { selfOf } from '../../../agent/keeper/self.js';
import type { Facts } from '../../../common/keeper/protocol.js';

const data = {
  state: 'present',
  cluster: 'in production',
  systemId: '7',
  timeline: 2,
  checkpointTimeline: 2,
  checkpointLsn: '0/3000028',
  minRecoveryLsn: '0/0',
} as const;
const silent: Facts = {
  member: 'pg1',
  managed: true,
  installedVersion: '15.18',
  data,
  server: { state: 'running', pid: 1, others: 0 },
  standbySignal: true,
  gate: { kind: 'open', standbys: '', proven: true },
  incarnation: 'a',
  applicationName: 'pg1.a',
  sql: { state: 'unknown', why: 'the database system is shutting down' },
};
const self = (more: Partial<Facts>) => selfOf({ ...silent, ...more }) as KnownSelf;

test.each(['in production', 'shutting down', 'shut down'])(
  'a primary that answers nothing, and whose control file says "%s", is not a standby to promote',
  (cluster) => {
    expect(self({ data: { ...data, cluster } }).writable).toBe(true);
  },
);

test.each(['in archive recovery', 'shut down in recovery', 'in crash recovery'])(
  '"%s" is not writable',
  (cluster) => {
    expect(self({ data: { ...data, cluster } }).writable).toBe(false);
  },
);

test('one that was stopped in good order is not writable', () => {
  expect(
    self({ data: { ...data, cluster: 'shut down' }, server: { state: 'stopped', others: 0 } }).writable,
  ).toBe(false);
});

test('what the control file says is of the run before while Postgres starts', () => {
  const server = { state: 'running', pid: 1, others: 0, starting: true } as const;
  expect(self({ server }).writable).toBe(false);
});

test('a standby without a restartpoint on its timeline is on that timeline, and not checkpointed', () => {
  const history = { systemId: '7', timeline: 3, forks: [{ timeline: 3, parent: 2, lsn: '0/3000100' }] };
  const sql = {
    state: 'answers',
    inRecovery: true,
    flushLsn: '0/3000200',
    senders: [],
    slots: [],
    overrides: [],
    pendingRestart: [],
  } as unknown;
  expect(self({ history, sql: { ...(sql as Facts['sql']) } })).toMatchObject({
    position: '3/0/3000200',
    checkpointed: false,
  });
});
