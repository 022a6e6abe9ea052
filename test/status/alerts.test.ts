import { expect, test } from 'vitest';
import { alertsIn, nextAlerts, noAlerts, type Alert, type Summary } from '../../status/index.js';

const lost: Alert = { id: 'no-primary', severity: 'alert', cause: 'No primary.', next: 'Wait' };
const degraded: Alert = { id: 'sync-degraded', severity: 'warning', cause: 'Alone.', next: '' };

/** What is told at each look, as `id state`. */
function told(looks: readonly (readonly [atMs: number, alerts: readonly Alert[]])[]) {
  let state = noAlerts;
  return looks.map(([nowMs, alerts]) => {
    const found = nextAlerts(state, { service: 'pg', alerts, nowMs });
    ({ state } = found);
    return found.messages.map((message) => `${message.id} ${message.severity} ${message.state}`);
  });
}

test('one message a cause once it has stood, and one when it is over', () => {
  expect(
    told([
      [0, [lost]],
      [2_000, [lost]],
      [3_000, [lost]],
      [9_000, [{ ...lost, cause: 'No primary, for 9 s.' }]],
      [10_000, []],
      [12_000, []],
      [13_000, []],
      [14_000, []],
    ]),
  ).toEqual([[], [], ['no-primary alert firing'], [], [], [], ['no-primary alert resolved'], []]);
});

test('what is over before it is told is never told, and what comes back at once is not told again', () => {
  expect(
    told([
      [0, [lost]],
      [1_000, []],
      [5_000, [degraded]],
      [8_000, [degraded]],
      [9_000, []],
      [11_000, [degraded]],
      [20_000, [degraded]],
    ]),
  ).toEqual([[], [], [], ['sync-degraded warning firing'], [], [], []]);
});

test('a warning that becomes an alert is told again', () => {
  expect(
    told([
      [0, [degraded]],
      [3_000, [degraded]],
      [4_000, [{ ...degraded, severity: 'alert' }]],
    ]),
  ).toEqual([[], ['sync-degraded warning firing'], ['sync-degraded alert firing']]);
});

const summary: Summary = {
  service: 'pg',
  mode: 'read-only',
  degraded: true,
  why: ['pg2 is 17 bytes behind 0/30B1950'],
  members: [
    { box: 'pg1', address: '10.0.0.1', port: 5432, state: 'critical', detail: '', source: 'agent' },
  ] as unknown as Summary['members'],
  consul: { reachable: true },
};

test('figures do not make another cause of the same one; names do', () => {
  const idOf = (why: string) => alertsIn({ ...summary, why: [why] })[0]?.id;
  expect(idOf('pg2 is 17 bytes behind 0/30B1950')).toBe(idOf('pg2 is 4096 bytes behind 0/4000000'));
  expect(idOf('pg1 is down')).not.toBe(idOf('pg2 is down'));
  expect(alertsIn(summary)).toEqual([
    expect.objectContaining({ severity: 'alert', cause: 'pg2 is 17 bytes behind 0/30B1950' }),
  ]);
  expect(alertsIn({ ...summary, mode: 'read-write' })[0]?.severity).toBe('warning');
});

test('notes are not told; where nothing can be read, that is an alert', () => {
  const failover = {
    epoch: 1,
    members: [],
    findings: [{ topic: 'order', severity: 'note', cause: 'x', next: 'y' }],
  } as const;
  expect(alertsIn({ ...summary, why: [], failover })).toEqual([]);
  expect(alertsIn({ ...summary, why: [], members: [] })).toEqual([
    expect.objectContaining({ id: 'nothing-read', severity: 'alert' }),
  ]);
});

test('where agents lead, only their findings are alerts; what is over is told in the words in which it began', () => {
  const failover = { epoch: 1, members: [], findings: [] } as const;
  expect(alertsIn({ ...summary, failover })).toEqual([expect.objectContaining({ severity: 'warning' })]);
  let state = noAlerts;
  const causes: string[] = [];
  for (const [nowMs, alerts] of [
    [0, [lost]],
    [3_000, [lost]],
    [4_000, [{ ...lost, cause: 'Something else.' }]],
    [5_000, []],
    [8_000, []],
  ] as const) {
    const found = nextAlerts(state, { service: 'pg', alerts, nowMs });
    ({ state } = found);
    causes.push(...found.messages.map(({ cause }) => cause));
  }
  expect(causes).toEqual(['No primary.', 'No primary.']);
});
