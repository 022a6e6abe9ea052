import { expect, test } from 'vitest';
import { lead } from '../../../../agent/core/lead/decide.js';
import {
  emptyLedger,
  initialState,
  type KnownSelf,
  type LeadState,
  type Peer,
} from '../../../../agent/core/lead/model.js';
import { isQuiet } from '../../../../agent/core/lead/quiet.js';
import { configOf, observed, policy, running, sharedOf } from './builders.js';

/** How soon the members of a `sync` record with `promotion: auto` see that the other is lost. */

const auto = { ...policy, promotion: 'auto', durability: 'sync' } as const;
const lsn = (position: string) => Number(position.split('/').at(-1));

const config = (member: string) =>
  configOf(member, {
    firstPolicy: auto,
    compare: (a, b) => lsn(a) - lsn(b),
    distance: (from, to) => lsn(to) - lsn(from),
    maxLag: 1_000,
  });
const shared = (holder: string | undefined) =>
  sharedOf({ epoch: 1, names: ['pg1', 'pg2'], policy: auto }, holder);
const gone: Peer = { kind: 'unknown', why: 'the agent of pg1 does not answer', isUnreachable: true };
const mute: Peer = { kind: 'unknown', why: 'the agent of pg1 does not answer' };

/** WAL comes in from pg1, or came so long ago. */
const fed = (heardMs: number): KnownSelf => ({
  ...running(false),
  source: { address: '10.0.0.1', port: 5432, streaming: true, timeline: 1, heardMs },
});
const unfed: KnownSelf = { ...running(false), source: undefined };

interface Look {
  readonly askedMs: number;
  readonly nowMs?: number;
  readonly self: KnownSelf;
  readonly peer?: Peer;
  readonly holder?: string | undefined;
}

function looks(member: string, state: LeadState, each: readonly Look[]) {
  let kept = state;
  return each.map(({ askedMs, nowMs = askedMs, self, peer, holder }) => {
    const decision = lead(
      kept,
      observed({
        nowMs,
        askedMs,
        self,
        shared: shared(holder),
        session: { kind: 'valid', id: member },
        peers: new Map(peer ? [[member === 'pg1' ? 'pg2' : 'pg1', peer]] : []),
        ledger: { ...emptyLedger, epoch: 1, seenEpoch: 1, held: member === 'pg1' ? 1 : 0, session: member },
        published: 'replica',
      }),
      config(member),
    );
    kept = decision.state;
    return decision;
  });
}
const rows = (decisions: ReturnType<typeof looks>) => decisions.map(({ row }) => row);

test('silence counts from the first question without an answer, and not from when it was given up', () => {
  const seen = looks('pg2', initialState, [
    { askedMs: 1_000, nowMs: 1_300, self: unfed, peer: gone },
    { askedMs: 1_990, self: unfed, peer: gone },
    { askedMs: 2_000, self: unfed, peer: gone },
  ]);
  expect(rows(seen)).toEqual(['stand-back', 'stand-back', 'take-over']);
});

test('one that accepts connections and says nothing is lost after 3 s, though WAL was fresh as the first was asked', () => {
  const seen = looks('pg2', initialState, [
    { askedMs: 1_100, nowMs: 1_400, self: fed(1_100), peer: mute, holder: 'pg1' },
    { askedMs: 1_600, self: fed(1_600), peer: mute },
    { askedMs: 4_090, self: fed(4_090), peer: mute },
    { askedMs: 4_100, self: fed(4_100), peer: mute },
  ]);
  expect(rows(seen)).toEqual(['following', 'stand-back', 'stand-back', 'take-over']);
});

test('one look that takes its time is not a silence', () => {
  const seen = looks('pg2', initialState, [
    { askedMs: 1_000, nowMs: 5_000, self: unfed, peer: gone },
    { askedMs: 5_050, self: unfed, peer: gone },
  ]);
  expect(rows(seen)).toEqual(['stand-back', 'take-over']);
});

test('while WAL came in it was not silent, whatever its agent said', () => {
  const seen = looks('pg2', initialState, [
    { askedMs: 1_000, self: fed(100), peer: mute },
    { askedMs: 9_000, self: fed(100), peer: mute },
    { askedMs: 10_500, self: fed(1_600), peer: mute },
    { askedMs: 11_800, self: fed(2_900), peer: mute },
    { askedMs: 11_900, self: fed(3_000), peer: mute },
  ]);
  expect(rows(seen)).toEqual(['stand-back', 'stand-back', 'stand-back', 'stand-back', 'take-over']);
});

test('a box that refused, and then accepts no connection once, is not away for as long as it refused', () => {
  const seen = looks('pg2', initialState, [
    { askedMs: 0, self: unfed, peer: mute },
    { askedMs: 1_500, self: unfed, peer: gone },
    { askedMs: 2_490, self: unfed, peer: gone },
    { askedMs: 2_500, self: unfed, peer: gone },
  ]);
  expect(rows(seen)).toEqual(['stand-back', 'stand-back', 'stand-back', 'take-over']);
});

test('an answer in between begins it anew', () => {
  const alive: Peer = { kind: 'known', self: running(true), epoch: 1, eligible: { ok: true } };
  const seen = looks('pg2', initialState, [
    { askedMs: 0, self: unfed, peer: gone },
    { askedMs: 900, self: unfed, peer: alive },
    { askedMs: 1_000, self: unfed, peer: gone },
    { askedMs: 1_900, self: unfed, peer: gone },
    { askedMs: 2_000, self: unfed, peer: gone },
  ]);
  expect(rows(seen)).toEqual(['stand-back', 'stand-back', 'stand-back', 'stand-back', 'take-over']);
});

test('a standby looks again when its stream is late, and then asks', () => {
  const [early, late, asked] = looks('pg2', initialState, [
    { askedMs: 0, self: fed(300), holder: 'pg1' },
    { askedMs: 800, self: fed(1_100), holder: 'pg1' },
    { askedMs: 900, self: fed(1_200), peer: mute, holder: 'pg1' },
  ]);
  expect(early?.wakeAtMs).toBe(750);
  expect(late?.wakeAtMs).toBe(810);
  expect(asked?.wakeAtMs).toBeUndefined();
  const ledger = { ...emptyLedger, epoch: 1, seenEpoch: 1 };
  const read = shared('pg1');
  if (read.kind !== 'read') throw new Error('it is read');
  const isQuietWith = (self: KnownSelf) =>
    isQuiet(read, ledger, { self, isServing: true, firstPolicy: auto });
  expect(isQuietWith(fed(1_000))).toBe(true);
  expect(isQuietWith(fed(1_100))).toBe(false);
});

test('whoever was told to follow a box that accepts no connection is not told again', () => {
  const told: LeadState = { ...initialState, retry: { kind: 'follow', failures: 1, atMs: 0 } };
  const look = { askedMs: 1_000, self: unfed, holder: 'pg1' };
  expect(looks('pg2', initialState, [{ ...look, peer: gone }])[0]?.action?.kind).toBe('follow');
  expect(looks('pg2', told, [{ ...look, peer: gone }])[0]).toMatchObject({
    row: 'follow',
    action: undefined,
  });
  expect(looks('pg2', told, [{ ...look, peer: mute }])[0]?.action?.kind).toBe('follow');
  // Once in a while it is, as it may have been told of another.
  expect(looks('pg2', told, [{ ...look, askedMs: 5_000, peer: gone }])[0]?.action?.kind).toBe('follow');
});

const feeding = (position: string, flushed: string): KnownSelf => ({
  ...running(true),
  gate: { kind: 'open', proven: true, standbys: ['pg2.a'] },
  position,
  slots: ['pg2'],
  feeds: [{ name: 'pg2.a', position: flushed }],
});
const holding: LeadState = { ...initialState, settledEpoch: 1, floorMs: 0 };

test('a standby is lost 1.2 s after what it has not flushed stood here', () => {
  const stuck = feeding('1/0/200', '1/0/100');
  const seen = looks('pg1', holding, [
    { askedMs: 0, self: feeding('1/0/100', '1/0/100'), holder: 'pg1' },
    { askedMs: 1_000, self: stuck, holder: 'pg1' },
    { askedMs: 1_300, self: stuck, holder: 'pg1' },
    { askedMs: 2_199, self: stuck, holder: 'pg1' },
    { askedMs: 2_200, self: stuck, holder: 'pg1' },
  ]);
  expect(rows(seen)).toEqual(['holder', 'holder', 'standby-behind', 'standby-behind', 'standby-lost']);
  // On its way: soon it is seen whether it came.
  expect(seen.map(({ wakeAtMs }) => wakeAtMs)).toEqual([undefined, 1_300, 1_500, 2_399, undefined]);
});

test('a standby that stood still together with this machine is not lost', () => {
  const stuck = feeding('1/0/200', '1/0/100');
  const seen = looks('pg1', holding, [
    { askedMs: 1_000, self: stuck, holder: 'pg1' },
    { askedMs: 4_000, self: stuck, holder: 'pg1' },
    { askedMs: 4_050, self: stuck, holder: 'pg1' },
    { askedMs: 4_450, self: stuck, holder: 'pg1' },
    { askedMs: 4_480, self: feeding('1/0/300', '1/0/200'), holder: 'pg1' },
  ]);
  expect(rows(seen)).toEqual(['holder', 'standby-behind', 'standby-behind', 'standby-behind', 'holder']);
});
