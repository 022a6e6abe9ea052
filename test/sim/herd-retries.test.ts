import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import { backoffMs } from '../../common/backoff.js';
import type { Lookup } from '../../sidecar/core/model.js';
import type { News } from '../../sidecar/ports.js';
import { PostgresMonitors } from '../../sidecar/postgres/proof/monitor.js';
import { Discovery } from '../../sidecar/shell/discovery.js';
import { ManualClock, settled } from '../fakes/manual-clock.js';
import { seededRandom } from '../support/random.js';

/** Many processes lose the same thing in the same moment: they must not come back in the same moment. */
const instances = 500;
const seed = Number(process.env.SEED ?? 20_261);

/** How many of these times fall into the fullest stretch of that length. */
function crowd(timesMs: readonly number[], stretchMs: number): number {
  const sorted = [...timesMs].sort((a, b) => a - b);
  let most = 0;
  for (let from = 0, to = 0; to < sorted.length; to++) {
    while (sorted[to]! - sorted[from]! > stretchMs) from++;
    most = Math.max(most, to - from + 1);
  }
  return most;
}

test(`retries of a query that Consul turns away spread out, more each time (SEED=${seed})`, () => {
  const random = seededRandom(seed);
  const retry = { baseMs: 250, maxMs: 120_000 };
  const nth = (n: number) =>
    Array.from({ length: instances }, () =>
      Array.from({ length: n + 1 }, (_, attempt) => backoffMs(attempt, retry, random)).reduce(
        (a, b) => a + b,
      ),
    );
  const first = nth(0);
  expect(Math.min(...first)).toBeGreaterThanOrEqual(125);
  expect(Math.max(...first) - Math.min(...first)).toBeGreaterThan(110);
  // No tenth of the range gets much more than its share.
  expect(crowd(first, 12.5)).toBeLessThan(instances * 0.16);
  // In the long run fewer than one in a hundred milliseconds, whatever they lost together.
  expect(crowd(nth(11), 1_000)).toBeLessThan(instances * 0.03);
});

test(`monitors whose primary is gone try again out of step (SEED=${seed})`, async () => {
  const clock = new ManualClock();
  const attempts: number[][] = [];
  const start = () => {
    const own: number[] = [];
    attempts.push(own);
    const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    const logIn = () => {
      const stream = Object.assign(new EventEmitter(), { unref: () => {}, destroy: () => {} });
      const client = Object.assign(new EventEmitter(), {
        connection: Object.assign(new EventEmitter(), { stream, _send: () => {} }),
        connect(done: (error: Error) => void) {
          own.push(clock.nowMs());
          done(refused);
        },
        query: () => {},
      });
      return { client, turn: { ours: false, over: () => {} } };
    };
    return new PostgresMonitors({
      logIn,
      clock,
      awake: clock,
      random,
      timings: {
        heartbeatTimeoutMs: 550,
        reconnectMs: 120,
        reconnectSlowMs: 600,
        reconnectPatienceMs: 600_000,
      },
      restMs: () => 250,
      bytesReadFrom: () => 0,
      onRefused: () => {},
    }).start({ host: 'a', port: 1 }, () => {});
  };
  const random = seededRandom(seed);
  const monitors = Array.from({ length: instances }, start);
  await clock.advance(400);
  const nth = (n: number) => attempts.map((own) => own[n]!);
  // The first attempt is the verdict, at once; after it everybody takes a pace of their own.
  expect(new Set(nth(0))).toEqual(new Set([0]));
  expect(crowd(nth(1), 6)).toBeLessThan(instances * 0.16);
  expect(crowd(nth(3), 6)).toBeLessThan(instances * 0.12);
  for (const monitor of monitors) monitor.stop();
});

/** One resolver's discovery; `asked` are the times of its questions to the directory. */
function one(clock: ManualClock, random: () => number) {
  const asked: number[] = [];
  const heard: string[] = [];
  let tell: (news: News) => void = () => {};
  const wakeUps = {
    attentive: false,
    checks: 0,
    start: (hear: typeof tell) => void (tell = hear),
    check: () => void (wakeUps.checks += 1),
  };
  const discovery = new Discovery({
    directory: {
      lookup: (role) => {
        if (role === 'primary') asked.push(clock.nowMs());
        return Promise.resolve<Lookup>({ kind: 'empty' });
      },
    },
    wakeUps,
    cache: null,
    source: 'dns',
    clock,
    random,
    timings: { refreshMs: 15_000, afterWakeMs: [60, 200], minGapMs: 20 },
  });
  discovery.subscribe(({ role, lookup, source }) => heard.push(`${source}: ${role} ${lookup.kind}`));
  const lookups = {
    primary: { kind: 'found', targets: [{ host: 'a', port: 1 }] },
    replica: { kind: 'empty' },
  } as const;
  return {
    discovery,
    asked,
    heard,
    wakeUps,
    listed() {
      wakeUps.attentive = true;
      tell({ kind: 'listed', lookups });
    },
    silent() {
      wakeUps.attentive = false;
      tell({ kind: 'silent' });
    },
  };
}

describe('by DNS alone', () => {
  test(`not before 15 s at rest, and never in step (SEED=${seed})`, async () => {
    const clock = new ManualClock();
    const random = seededRandom(seed);
    const all = Array.from({ length: 200 }, () => one(clock, random));
    await clock.advance(120_000);
    for (const { asked } of all) {
      const gaps = asked.slice(1).map((atMs, i) => atMs - asked[i]!);
      expect(gaps.length).toBeGreaterThan(4);
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(15_000);
    }
    // The first refresh after a start in one moment, and the sixth.
    expect(
      crowd(
        all.map(({ asked }) => asked[1]!),
        300,
      ),
    ).toBeLessThan(200 * 0.25);
    for (const { discovery } of all) discovery.stop();
  });

  test('at once in trouble', async () => {
    const clock = new ManualClock();
    const { discovery, asked } = one(clock, () => 0);
    await clock.advance(5_000);
    discovery.refresh();
    expect(asked.at(-1)).toBe(5_000);
    discovery.stop();
  });
});

describe('while the list comes by itself', () => {
  test('DNS is left alone, in trouble too; what is heard is checked instead', async () => {
    const clock = new ManualClock();
    const { discovery, asked, heard, wakeUps, listed } = one(clock, () => 0);
    await clock.advance(1_000);
    listed();
    await clock.advance(60_000);
    discovery.refresh();
    await settled();
    expect(asked).toEqual([0]);
    expect(wakeUps.checks).toBe(1);
    expect(heard.slice(-2)).toEqual(['http: primary found', 'http: replica empty']);
    expect(discovery.told('primary')).toMatchObject({ kind: 'found' });
    discovery.stop();
  });

  test('when it ends, DNS is asked at once and every 15 s', async () => {
    const clock = new ManualClock();
    const { discovery, asked, listed, silent } = one(clock, () => 0);
    await clock.advance(1_000);
    listed();
    await clock.advance(20_500);
    silent();
    expect(asked).toEqual([0, 21_500]);
    expect(discovery.told('primary')).toBeUndefined();
    await clock.advance(30_000);
    expect(asked).toEqual([0, 21_500, 30_000, 45_000]);
    discovery.stop();
  });
});
