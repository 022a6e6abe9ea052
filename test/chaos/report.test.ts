import { describe, expect, test } from 'vitest';
import { Ledger, longestGapMs, roleChanges, twoPrimariesMs, type Acknowledged } from './evidence.js';
import type { Fault } from './faults/kinds.js';
import { render, reportOf, type Done } from './report.js';

let numbers = 0;
const ack = (member: string, timeline: number, sentMs: number, ackedMs = sentMs + 5): Acknowledged => ({
  n: ++numbers,
  by: 'pool',
  member,
  timeline,
  sentMs,
  ackedMs,
});

describe('two primaries', () => {
  test('none where the older one has stopped before', () => {
    expect(twoPrimariesMs([ack('pg1', 1, 0), ack('pg1', 1, 10), ack('pg2', 2, 100)])).toBe(0);
  });

  test('from the first of the newer to the last of the older that was sent after it, in whatever order they are told', () => {
    const acks = [ack('pg2', 2, 100), ack('pg1', 1, 106), ack('pg2', 2, 150), ack('pg1', 1, 195, 205)];
    expect(twoPrimariesMs(acks)).toBe(100);
    expect(twoPrimariesMs([...acks].reverse())).toBe(100);
  });

  test('what was sent before and came late may have been held up on its way', () => {
    expect(twoPrimariesMs([ack('pg1', 1, 90, 4_000), ack('pg2', 2, 100)])).toBe(0);
  });

  test('two members on one timeline are two', () => {
    expect(twoPrimariesMs([ack('pg1', 2, 0), ack('pg2', 2, 50), ack('pg1', 2, 60)])).toBeGreaterThan(0);
  });

  test('a member that was restarted in place is one', () => {
    expect(twoPrimariesMs([ack('pg1', 2, 100), ack('pg1', 1, 106)])).toBe(0);
  });
});

test('a role has changed when another member acknowledges on the next timeline', () => {
  const acks = [ack('pg1', 1, 0), ack('pg1', 2, 10), ack('pg2', 3, 20), ack('pg1', 4, 30), ack('pg1', 4, 40)];
  expect(roleChanges(acks)).toBe(2);
  expect(roleChanges([])).toBe(0);
});

test('the longest gap is one of the Pool, and counts from the beginning and to the end', () => {
  const acks = [
    ack('pg1', 1, 0, 100),
    { ...ack('pg1', 1, 0, 400), by: 'bare' as const },
    ack('pg1', 1, 0, 650),
  ];
  expect(longestGapMs(acks, 50, 700)).toBe(550);
  expect(longestGapMs(acks, 50, 2_000)).toBe(1_350);
  expect(longestGapMs([], 50, 700)).toBe(650);
});

describe('the ledger', () => {
  const ledger = new Ledger();
  for (let taken = 0; taken < 4; taken++) ledger.take();
  ledger.acknowledge({ ...ack('pg1', 1, 0), n: 1 });
  ledger.acknowledge({ ...ack('pg1', 1, 0), n: 2 });
  ledger.refused.add(3);

  test('lost: acknowledged and not there', () => {
    expect(ledger.compare([1, 4])).toEqual({ lost: [2], unexpected: [] });
    expect(ledger.compare([], 1)).toEqual({ lost: [2], unexpected: [] });
  });

  test('unexpected: there and never sent, or refused; what is unknown may be there', () => {
    expect(ledger.compare([1, 2, 3, 4, 5, 0])).toEqual({ lost: [], unexpected: [3, 5, 0] });
  });
});

describe('the report', () => {
  const fault: Fault = { kind: 'agent-kill', at: 'primary', forMs: 0, afterMs: 0, pick: 0 };
  const round = (more: Partial<Done> = {}): Done => ({
    faults: [{ fault, box: 'pg1', hurtsPrimary: false }],
    beganMs: 1_000,
    endedMs: 2_000,
    settledMs: 300,
    lost: [],
    unexpected: [],
    ...more,
  });
  const steady = (member: string, timeline: number, fromMs: number, toMs: number) =>
    Array.from({ length: (toMs - fromMs) / 50 }, (_, index) => ack(member, timeline, fromMs + index * 50));
  const ending = (rounds: Done[], acknowledged: Acknowledged[]) => ({
    rounds,
    acknowledged,
    lost: [],
    unexpected: [],
    complaints: [],
    seconds: 3,
  });

  test('passes where nothing was lost and all followed one primary', () => {
    const report = reportOf(ending([round()], steady('pg1', 1, 500, 2_100)), 5);
    expect(report).toMatchObject({
      seed: 5,
      faults: 1,
      lost: 0,
      roleChanges: 0,
      falseFailovers: 0,
      safe: true,
      passed: true,
    });
    expect(report.unavailableMs).toEqual({ median: 50, max: 50 });
    expect(render(report)).toContain(
      'agent-kill of the primary (pg1): writes away 50 ms; role changes 0; settled 300 ms',
    );
  });

  test('a role that moved though the primary was unhurt is a false failover; where it was hurt it is none', () => {
    const acks = [...steady('pg1', 1, 500, 1_200), ...steady('pg2', 2, 1_300, 2_000)];
    expect(reportOf(ending([round()], acks), 5)).toMatchObject({ roleChanges: 1, falseFailovers: 1 });
    const hurt = round({
      faults: [{ fault: { ...fault, kind: 'box-off' }, box: 'pg1', hurtsPrimary: true }],
    });
    expect(reportOf(ending([hurt], acks), 5)).toMatchObject({ roleChanges: 1, falseFailovers: 0 });
  });

  test.each([
    ['a lost number', round({ lost: [3] })],
    ['an unexpected number', round({ unexpected: [3] })],
    [
      'a member that did not come back',
      { ...round(), settledMs: undefined, missing: 'pg2: stopped' } as unknown as Done,
    ],
  ])('fails for %s', (_, bad) => {
    expect(reportOf(ending([bad], steady('pg1', 1, 500, 2_100)), 5).passed).toBe(false);
  });

  test('fails for two that acknowledged, and for a complaint', () => {
    const two = [...steady('pg1', 1, 500, 1_600), ...steady('pg2', 2, 1_300, 2_000)];
    expect(reportOf(ending([round()], two), 5).passed).toBe(false);
    const fine = ending([round()], steady('pg1', 1, 500, 2_100));
    expect(reportOf({ ...fine, complaints: ['Pool: 23505'] }, 5).passed).toBe(false);
  });

  test('a fault that could not be done is named and not counted', () => {
    const report = reportOf(
      ending(
        [round({ faults: [{ fault, why: 'no agent runs on pg1', hurtsPrimary: false }] })],
        steady('pg1', 1, 500, 2_100),
      ),
      5,
    );
    expect(report.faults).toBe(0);
    expect(report.perFault[0]!.leftOut).toEqual(['agent-kill: no agent runs on pg1']);
  });
});
