import { describe, expect, test } from 'vitest';
import { eligible, memberAgeMs, memberLagBytes } from '../../../sidecar/core/mode/eligible.js';
import type { Effect, Event } from '../../../sidecar/core/model.js';
import { sentence } from '../../../sidecar/core/words/reasons.js';
import { initialState, route } from '../../../sidecar/core/route.js';
import { topologyOf } from '../../../sidecar/postgres/pool/topology.js';
import {
  config,
  empty,
  fails,
  found,
  lacks,
  lost,
  member,
  play,
  primary,
  proved,
  rejects,
  replica,
  says,
  tick,
  unavailable,
} from './story.js';

const both = [says('primary', found('a')), says('replica', found('b')), primary('a'), replica('b')];
const names = (targets: readonly { host: string }[]) => targets.map(({ host }) => host);

test('the age of the data is told in whole milliseconds, none too few', () => {
  const state = both.reduce((before, event) => route(before, event, 0.1, config).state, initialState);
  const { members } = topologyOf(state, 180.27164700000003, config);
  expect(members.map(({ lagMs }) => lagMs)).toEqual([0, 181]);
});

describe('why nobody serves', () => {
  const listed = [says('primary', found('a')), says('replica', found('b'))];
  test.each<[name: string, events: Event[], reason: string]>([
    ['nothing has happened', [], 'no member has answered yet'],
    [
      'Consul lists nobody',
      [says('primary', empty), says('replica', empty)],
      'Consul lists no member of the service',
    ],
    [
      'Consul is away, and nobody is remembered',
      [says('primary', unavailable), says('replica', unavailable)],
      'Consul does not answer and no member is remembered',
    ],
    [
      'Consul is there again, and lists nobody',
      [says('primary', unavailable), says('replica', unavailable), says('primary', empty)],
      'Consul lists no member of the service',
    ],
    ['nobody is heard yet', listed, 'no member has answered yet'],
    [
      'none answers',
      [...listed, fails('a', 'refused'), fails('b', 'refused')],
      'none of 2 known members answers',
    ],
    [
      'none lets us in',
      [...listed, rejects('a', '28P01'), rejects('b', '3D000')],
      'none of 2 known members lets us in (a:5432: 28P01, b:5432: 3D000)',
    ],
    [
      'one lets nobody in, the other does not answer',
      [...listed, fails('b', 'refused'), rejects('a', '28P01')],
      'none of 2 known members lets us in (a:5432: 28P01)',
    ],
    [
      'we cannot even ask',
      [...listed, lacks('a', 'EMFILE'), lacks('b', 'EMFILE')],
      'none of 2 known members lets us in (a:5432: EMFILE, b:5432: EMFILE)',
    ],
    [
      'the password was mended, and nobody answers any more',
      [...listed, rejects('a', '28P01'), fails('b', 'refused'), fails('a', 'refused')],
      'none of 2 known members answers',
    ],
    [
      'the last one stops, and then lets nobody in',
      [...both, fails('a', 'refused'), fails('b', 'refused'), rejects('b', '28000')],
      'none of 2 known members lets us in (b:5432: 28000)',
    ],
  ])('%s', (_name, events, reason) => {
    const state = events.reduce((before, event) => route(before, event, 0, config).state, initialState);
    expect([state.mode, sentence(state.reason)]).toEqual(['down', reason]);
  });
});

test.each(['EADDRNOTAVAIL', 'EMFILE', 'ENETDOWN'])(
  '%s of our own destroys no session to the member',
  (code) => {
    const story = [...both, lost('a')].reduce(
      (before, event) => route(before, event, 0, config).state,
      initialState,
    );
    const { effects } = route(story, lacks('a', code), 0, config);
    expect(effects.map((effect) => effect.do)).not.toContain('destroy');
  },
);

describe('stories', () => {
  test('the primary is killed, and started again', () => {
    const story = play([
      ...both,
      lost('a', 'session'),
      lost('a'),
      fails('a', 'refused'),
      says('primary', empty),
      fails('a', 'refused'),
      fails('a', 'not-ready'),
      primary('a'),
      says('primary', found('a')),
    ]);
    expect(story.lines).toEqual([
      'dns: primary a -> down; watch a',
      'dns: replica b -> down; watch b',
      'a is primary t1 at 0/64 -> read-write writes a; mode read-write (a:5432 proved that it is the primary)',
      'b is replica at 0/64 -> read-write writes a; retire',
      'session of a ended -> read-write writes a; probe a',
      'monitor of a ended -> read-write writes a; probe a',
      'monitor to a: refused -> read-only; retire; mode read-only (the primary a:5432 refuses connections); lookup',
      'dns: primary empty -> read-only',
      'monitor to a: refused -> read-only',
      'monitor to a: not-ready -> read-only',
      'a is primary t1 at 0/64 -> read-write writes a; retire; mode read-write (a:5432 proved that it is the primary)',
      'dns: primary a -> read-write writes a',
    ]);
  });

  test('the primary freezes, the spare is promoted, and the old primary wakes up', () => {
    const story = play([
      ...both,
      fails('a', 'timed-out'),
      says('primary', unavailable),
      proved('b', 'primary'),
      primary('b', 2),
      primary('a', 1),
      says('primary', found('a', 'b')),
      fails('b', 'refused'),
      lost('a'),
      replica('a'),
    ]);
    expect(story.lines.slice(4)).toEqual([
      'monitor to a: timed-out -> read-only; destroy a; retire; mode read-only (the primary a:5432 does not answer in time); lookup',
      'dns: primary unavailable -> read-only',
      'a session to b says primary -> read-only; probe b',
      'b is primary t2 at 0/64 -> read-write writes b; mode read-write (b:5432 proved that it is the primary)',
      'a is primary t1 at 0/64 -> read-write writes b',
      'dns: primary a b -> read-write writes b',
      'monitor to b: refused -> down; retire; mode down (a:5432 calls itself primary, but timeline 2 was seen elsewhere: it is out of date); lookup',
      'monitor of a ended -> down; probe a',
      'a is replica at 0/64 -> read-only; mode read-only (the primary b:5432 refuses connections)',
    ]);
  });

  test('Consul goes away for good', () => {
    const story = play([
      ...both,
      says('primary', unavailable),
      says('replica', unavailable),
      3_600_000,
      tick,
      primary('a'),
    ]);
    expect(story.lines.slice(4).map((line) => line.split(' -> ')[1])).toEqual([
      ...Array(4).fill('read-write writes a'),
    ]);
  });
});

describe('the mode', () => {
  type Row = [string, readonly (Event | number)[], string, string | null];
  const remembered = [says('primary', empty), says('primary', found('a'), 'cache')];
  const rows: Row[] = [
    ['nothing known', [], 'down', null],
    ['proposals prove nothing', both.slice(0, 2), 'down', null],
    ['a remembered primary proves nothing', [says('primary', found('a'), 'cache')], 'down', null],
    ['a primary proves itself', both.slice(0, 3), 'read-write', 'a'],
    [
      "a session's word is proof enough while no epoch is known",
      [both[0]!, proved('a', 'primary')],
      'read-write',
      'a',
    ],
    ['the replica is the first to answer', [...both.slice(0, 2), replica('b')], 'down', null],
    ['so is it before the catalogue has spoken', [says('replica', found('b')), replica('b')], 'down', null],
    [
      'or cannot speak',
      [says('primary', unavailable), says('replica', found('b'), 'cache'), replica('b')],
      'read-only',
      null,
    ],
    [
      'the primary was dead already',
      [...both.slice(0, 2), replica('b'), fails('a', 'refused')],
      'read-only',
      null,
    ],
    ['DNS names a replica as primary', [says('primary', found('b')), replica('b')], 'read-only', null],
    [
      'NXDOMAIN condemns nobody',
      [...both, says('primary', empty), says('replica', empty)],
      'read-write',
      'a',
    ],
    ['its monitor ends: a moment of doubt', [...both, lost('a')], 'read-write', 'a'],
    ['a session ends for its own reasons', [...both, lost('a', 'session')], 'read-write', 'a'],
    [
      'a session is refused: the postmaster is gone',
      [...both, fails('a', 'refused', 'session')],
      'read-only',
      null,
    ],
    [
      'a session says that the postmaster is dead',
      [...both, fails('a', 'crashed', 'session')],
      'read-only',
      null,
    ],
    ['a session is told "shutting down"', [...both, fails('a', 'not-ready', 'session')], 'read-only', null],
    ['one slow session, monitor content', [...both, fails('a', 'timed-out', 'session')], 'read-write', 'a'],
    ['one rejected session, monitor content', [...both, rejects('a', '28P01', 'session')], 'read-write', 'a'],
    [
      'our own side has no descriptor for one session more',
      [...both, lacks('a', 'EMFILE', 'session')],
      'read-write',
      'a',
    ],
    [
      'our own side has no port for a monitor, and a session lives',
      [...both, lost('a'), lacks('a', 'EADDRNOTAVAIL', 'monitor', true)],
      'read-write',
      'a',
    ],
    [
      'nor for any session: nothing proves the primary any more',
      [...both, lost('a'), lacks('a', 'EADDRNOTAVAIL')],
      'read-only',
      null,
    ],
    [
      'in doubt, a slow session counts',
      [...both, lost('a'), fails('a', 'timed-out', 'session')],
      'read-only',
      null,
    ],
    [
      'the last replica is silent: asked twice more before it is believed',
      [...both, fails('a', 'timed-out'), fails('b', 'timed-out'), fails('b', 'timed-out')],
      'read-only',
      null,
    ],
    [
      'and then it is',
      [...both, fails('a', 'timed-out'), ...Array.from({ length: 3 }, () => fails('b', 'timed-out'))],
      'down',
      null,
    ],
    [
      'a slow session to it does not count',
      [
        ...both,
        fails('a', 'crashed'),
        ...Array.from({ length: 9 }, () => fails('b', 'timed-out', 'session')),
      ],
      'read-only',
      null,
    ],
    [
      'any answer of it ends the doubt',
      [
        ...[...both, fails('a', 'crashed'), fails('b', 'timed-out'), fails('b', 'timed-out'), replica('b')],
        ...[fails('b', 'timed-out'), fails('b', 'timed-out')],
      ],
      'read-only',
      null,
    ],
    [
      'what it says itself counts at once',
      [...both, fails('a', 'timed-out'), fails('b', 'timed-out'), fails('b', 'refused')],
      'down',
      null,
    ],
    [
      'a silent replica beside a primary that was just heard is given up at once',
      [...both, fails('b', 'timed-out'), fails('a', 'crashed')],
      'down',
      null,
    ],
    [
      'beside one that is silent as well it is not',
      [...both, 500, fails('b', 'timed-out'), fails('a', 'timed-out')],
      'read-only',
      null,
    ],
    ['too many connections means alive', [...both, lost('a'), rejects('a', '53300')], 'read-write', 'a'],
    ...['28P01', '28000', '3D000', '53300', '53400', 'ERR_TLS_CERT_ALTNAME_INVALID'].map((code): Row => [
      `${code} while sessions live on: a changed password is no death`,
      [...both, lost('a'), rejects('a', code, 'monitor', true), rejects('a', code, 'session', true)],
      'read-write',
      'a',
    ]),
    [
      'rejected, and the last session has ended',
      [...both, lost('a'), rejects('a', '28P01', 'monitor', true), rejects('a', '28P01')],
      'read-only',
      null,
    ],
    [
      'rejected, and then killed',
      [...both, lost('a'), rejects('a', '28P01', 'monitor', true), fails('a', 'refused')],
      'read-only',
      null,
    ],
    ['never proven and rejected', [...both.slice(0, 2), rejects('a', '28P01')], 'down', null],
    [
      'remembered, and the catalogue lists nobody: it proves itself',
      [says('primary', found('a'), 'cache'), says('primary', empty), primary('a')],
      'read-write',
      'a',
    ],
    [
      'the same, when the catalogue was faster than the memory',
      [says('primary', empty), says('primary', found('a'), 'cache'), primary('a')],
      'read-write',
      'a',
    ],
    [
      'the replica answers first: whoever is remembered may follow',
      [...remembered, says('replica', found('b')), replica('b')],
      'down',
      null,
    ],
    [
      'then it does',
      [...remembered, says('replica', found('b')), replica('b'), primary('a')],
      'read-write',
      'a',
    ],
    [
      'or it does not',
      [...remembered, says('replica', found('b')), replica('b'), fails('a', 'refused')],
      'read-only',
      null,
    ],
    [
      'a primary of the past, remembered, waits for the one named now',
      [says('primary', found('a'), 'cache'), says('primary', found('b')), primary('a')],
      'down',
      null,
    ],
    [
      'and loses against it',
      [says('primary', found('a'), 'cache'), says('primary', found('b')), primary('a'), primary('b', 2)],
      'read-write',
      'b',
    ],
    ['both gone', [...both, fails('a', 'refused'), fails('b', 'refused')], 'down', null],
    ['the replica is gone', [...both, fails('b', 'refused')], 'read-write', 'a'],
    ['demoted: for that it had to start again', [...both, lost('a'), replica('a')], 'read-only', null],
    ['a word from before its promotion', [...both, replica('a')], 'read-write', 'a'],
    ['and one from before it by a session', [...both, proved('a', 'replica')], 'read-write', 'a'],
    ['asked again, it is a replica', [...both, replica('a'), replica('a')], 'read-only', null],
    ['late words, each taken back', [...both, replica('a'), primary('a'), replica('a')], 'read-write', 'a'],
    ['two of one timeline: the one in use stays', [...both, primary('b')], 'read-write', 'a'],
    ['a higher timeline wins', [...both, primary('b', 2)], 'read-write', 'b'],
    ['a lower one never does', [...both, primary('b', 2), fails('b', 'refused')], 'down', null],
    ['a report about somebody never proposed', [...both.slice(0, 2), primary('x')], 'down', null],
  ];
  test.each(rows)('%s', (_, events, mode, writer) => {
    const { state } = play(events);
    expect([state.mode, state.writer?.host ?? null]).toEqual([mode, writer]);
  });

  test('its time is that of the change, not of the last news', () => {
    const { state } = play([...both, 1_000, primary('a'), replica('b')]);
    expect(state.modeSinceMs).toBe(300);
  });
});

describe('who may serve', () => {
  test.each([
    ['both well', both, ['a'], ['b']],
    ['no replica', [...both, fails('b', 'refused')], ['a'], ['a']],
    ['no primary', [...both, fails('a', 'refused')], ['b'], ['b']],
    ['nobody', [...both, fails('a', 'refused'), fails('b', 'refused')], [], []],
    ['two replicas', [...both, says('replica', found('b', 'c')), replica('c')], ['a'], ['b', 'c']],
    [
      'a replica in doubt stands back',
      [...both, says('replica', found('b', 'c')), replica('c'), lost('b')],
      ['a'],
      ['c'],
    ],
    ['the only replica in doubt serves on', [...both, lost('b')], ['a'], ['b']],
  ])('%s', (_, events, main, read) => {
    const { state } = play(events);
    expect(names(eligible(state, 'main', config))).toEqual(main);
    expect(names(eligible(state, 'read', config))).toEqual(read);
  });

  test('a replica too far behind serves nobody, and that is why', () => {
    const limit = { maxReplicaLagBytes: 10 };
    const behind = [...both.slice(0, 3), replica('b', 80n)];
    const { state } = play(behind, limit);
    expect(names(eligible(state, 'read', { ...config, ...limit }))).toEqual(['a']);
    const after = play([...behind, fails('a', 'refused')], limit);
    expect([after.state.mode, after.state.reason.kind]).toEqual(['down', 'replicas-too-far-behind']);
    const caughtUp = play([...behind, fails('a', 'refused'), replica('b', 95n)], limit);
    expect(caughtUp.state.mode).toBe('read-only');
  });

  test('lag counts from what was received, when no primary was ever seen', () => {
    const { state } = play([says('replica', found('b')), replica('b', 80n, 100n)]);
    expect(memberLagBytes(state, state.members.get('b:5432')!)).toBe(20);
  });

  test('the age of the data is the time since we knew of nothing newer', () => {
    const { state } = play([
      ...both.slice(0, 2),
      primary('a', 1, 100n),
      primary('a', 1, 200n),
      primary('a', 1, 300n),
      replica('b', 250n),
    ]);
    const age = (at: number) => memberAgeMs(state, state.members.get('b:5432')!, at);
    // 200 was the newest at 400 ms.
    expect(age(1_000)).toBe(600);
    expect(memberAgeMs(state, state.members.get('a:5432')!, 1_000)).toBe(0);
    const old = play([...both.slice(0, 2), primary('a', 1, 300n), replica('b', 250n)]).state;
    // Older than anything we remember: the server's own word, and the time since.
    expect(memberAgeMs(old, old.members.get('b:5432')!, 1_000)).toBe(5 + 600);
  });
});

describe('effects', () => {
  test.each<[string, readonly (Event | number)[], Event, readonly string[]]>([
    [
      'silence destroys, doubt does not',
      both,
      fails('a', 'timed-out'),
      ['destroy', 'retire', 'mode', 'lookup'],
    ],
    ['so does an unreachable network', both, fails('b', 'unreachable'), ['destroy', 'retire', 'lookup']],
    ['a refusal only retires', both, fails('b', 'refused'), ['retire', 'lookup']],
    ['an empty catalogue asks those it dropped', both, says('primary', empty), ['probe']],
    ['an absent catalogue does nothing', both, says('primary', unavailable), []],
    [
      'a write refused by the writer asks it',
      both,
      { type: 'write-refused', target: member('a') },
      ['probe'],
    ],
    ['a write refused by a replica is no news', both, { type: 'write-refused', target: member('b') }, []],
    ['while not read-write, each tick looks', [], tick, ['lookup']],
    ['while read-write, none does', both, tick, []],
    ['the same heartbeat again', both, primary('a'), []],
    ['a new timeline elsewhere moves the sessions', both, primary('b', 2), ['retire']],
  ])('%s', (_, before, event, expected) => {
    const { state } = play(before);
    const { effects } = route(state, event, 10_000, config);
    expect(effects.map((effect: Effect) => effect.do)).toEqual(expected);
  });
});

describe('forgetting', () => {
  const gone = [...both, says('replica', found('c')), replica('c'), fails('b', 'refused')];

  test('a member neither listed nor proven is forgotten after a while', () => {
    const early = play([...gone, 59_000, tick]);
    expect(early.state.members.has('b:5432')).toBe(true);
    const late = play([...gone, 61_000, tick]);
    expect(late.state.members.has('b:5432')).toBe(false);
    expect(late.effects).toContainEqual({ do: 'unwatch', target: member('b') });
  });

  test('not while it is proven, whatever the catalogue says', () => {
    const { state } = play([...both, says('replica', found('c')), 600_000, tick]);
    expect(state.members.has('b:5432')).toBe(true);
  });

  test('not when the catalogue is empty: somebody must be left to ask', () => {
    const dead = [fails('a', 'refused'), fails('b', 'refused')];
    const { state } = play([...both, ...dead, says('primary', empty), says('replica', empty), 600_000, tick]);
    expect([...state.members.keys()]).toEqual(['a:5432', 'b:5432']);
  });

  test('memory lists nobody once the catalogue has spoken: who stays silent is forgotten too', () => {
    const story = [says('primary', found('b')), primary('b'), says('replica', empty)];
    const events = [...story, says('replica', found('a'), 'cache'), fails('a', 'refused')];
    expect(play(events).state.members.get('a:5432')!.listed).toEqual([]);
    expect([...play([...events, 61_000, tick]).state.members.keys()]).toEqual(['b:5432']);
  });

  test('not because Consul does not answer', () => {
    const { state } = play([...both, fails('a', 'refused'), says('primary', unavailable), 600_000, tick]);
    expect(state.members.has('a:5432')).toBe(true);
  });
});
