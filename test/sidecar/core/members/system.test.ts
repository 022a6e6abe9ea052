import { describe, expect, test } from 'vitest';
import { eligible, memberAgeMs } from '../../../../sidecar/core/mode/eligible.js';
import type { Event, RouteConfig } from '../../../../sidecar/core/model.js';
import { account } from '../../../../sidecar/core/words/remarks.js';
import { topologyOf } from '../../../../sidecar/postgres/pool/topology.js';
import {
  config,
  empty,
  fails,
  found,
  lost,
  play,
  primary,
  proved,
  replica,
  says,
  served,
  tick,
  unavailable,
} from '../story.js';

/** Which database a process belongs to. a, b and c are members of one; x, its primary, and y of another. */
const listed = [says('primary', found('a')), says('replica', found('b'))];
const both = [...listed, primary('a'), replica('b')];
const settled = [...both, served('a')];
const x = (timeline = 1) => primary('x', timeline, 900n, 'other');
const y = replica('y', 900n, 900n, 'other');

/** Mode, whom `pool` writes to, whom `pool.read` reads from. */
function outcome(events: readonly (Event | number)[], own: Partial<RouteConfig> = {}) {
  const { state } = play(events, own);
  const reads = eligible(state, 'read', { ...config, ...own }).map(({ host }) => host);
  return [state.mode, state.writer?.host ?? null, reads.join(' ')];
}

describe('a member of another database is never used', () => {
  const beside = [says('primary', found('a', 'x')), says('replica', found('b', 'x', 'y'))];
  type Row = [string, readonly (Event | number)[], ...ReturnType<typeof outcome>];
  test.each<Row>([
    ['met later, it is only shown', [...settled, ...beside, x(), y], 'read-write', 'a', 'b'],
    [
      'its replica is the first to answer: nobody is read before the primary that is listed was heard',
      [says('primary', found('a')), says('replica', found('y')), y],
      'down',
      null,
      '',
    ],
    [
      'and then ours is',
      [says('primary', found('a')), says('replica', found('y')), y, primary('a')],
      'read-write',
      'a',
      'a',
    ],
    [
      'a replica serves at the start, once the primary has failed',
      [...listed, replica('b'), fails('a', 'refused')],
      'read-only',
      null,
      'b',
    ],
    ['of a higher timeline too', [...settled, ...beside, x(9)], 'read-write', 'a', 'b'],
    ['ours is gone', [...settled, ...beside, x(), y, fails('a', 'refused')], 'read-only', null, 'b'],
    [
      'ours went first',
      [...settled, ...beside, fails('a', 'refused'), fails('b', 'refused'), x(), y],
      'down',
      null,
      '',
    ],
    [
      'ours comes back',
      [...settled, ...beside, x(), fails('a', 'refused'), x(), 60_000, tick, primary('a'), x()],
      'read-write',
      'a',
      'b',
    ],
    [
      'no longer listed, it is the same',
      [...settled, ...beside, x(), ...listed, fails('a', 'refused'), x()],
      'read-only',
      null,
      'b',
    ],
    [
      'made anew at the same address',
      [...settled, fails('a', 'refused'), primary('a', 1, 5n, 'other')],
      'read-only',
      null,
      'b',
    ],
    [
      'a session there says that it is a primary',
      [...settled, ...beside, y, lost('y'), proved('y', 'primary'), fails('a', 'refused')],
      'read-only',
      null,
      'b',
    ],
    [
      'a session of somebody that was not heard yet',
      [...settled, ...beside, fails('a', 'refused'), proved('x', 'primary')],
      'read-only',
      null,
      'b',
    ],
    ['a replica of another, first to answer', [...beside, y, primary('a')], 'read-write', 'a', 'a'],
    ['a replica of another, beside ours', [...beside, y, primary('a'), replica('b')], 'read-write', 'a', 'b'],
    [
      'what it has written makes nobody late',
      [...settled, ...beside, x(), y, replica('b')],
      'read-write',
      'a',
      'b',
    ],
  ])('%s', (_, events, ...expected) => {
    expect(outcome(events, { maxReplicaLagBytes: 10 })).toEqual(expected);
  });

  test('topology shows it, and says whose it is', () => {
    const { state } = play([...settled, ...beside, x(), y]);
    const { primary: writes, replicas, readFrom, members } = topologyOf(state, 2_000, config);
    expect([writes?.host, replicas.map(({ host }) => host), readFrom.map(({ host }) => host)]).toEqual([
      'a',
      ['b'],
      ['b'],
    ]);
    const strange = members.filter((one) => one.state === 'foreign');
    expect(strange.map(({ host, role, detail, systemId }) => [host, role, detail, systemId])).toEqual([
      [
        'x',
        null,
        'is the primary of another database (system identifier other, ours is sys) and is not used',
        'other',
      ],
      [
        'y',
        null,
        'is a replica of another database (system identifier other, ours is sys) and is not used',
        'other',
      ],
    ]);
    expect(memberAgeMs(state, state.members.get('y:5432')!, 2_000)).toBeNull();
    expect(account(state)).toContain(
      'a:5432 proved that it is the primary; x:5432 is the primary of another',
    );
  });
});

describe('where a process belongs', () => {
  const rivals = [says('primary', found('a', 'x')), primary('a'), x()];
  const remembered = (systemId: string): Event => ({
    type: 'proposal',
    role: 'primary',
    lookup: found('a', 'x'),
    source: 'dns',
    remembered: systemId,
  });
  type Row = [string, readonly (Event | number)[], Partial<RouteConfig>, ...ReturnType<typeof outcome>];
  test.each<Row>([
    ['the first that proves itself', [...rivals.slice(0, 2), served('a'), x()], {}, 'read-write', 'a', 'a'],
    ['primaries of two, before there was a session: to neither', rivals, {}, 'down', null, ''],
    ['nor when one of them is gone', [...rivals, fails('a', 'refused'), x()], {}, 'down', null, ''],
    ['what is remembered', [remembered('other'), primary('a'), x()], {}, 'read-write', 'x', 'x'],
    ['what is remembered, and is away', [remembered('other'), primary('a')], {}, 'down', null, ''],
    ['the option', rivals, { systemId: 'other' }, 'read-write', 'x', 'x'],
    [
      'the option before memory',
      [remembered('sys'), primary('a'), x()],
      { systemId: 'other' },
      'read-write',
      'x',
      'x',
    ],
    [
      'replicas of two, and the primary of one',
      [...listed, replica('b'), says('replica', found('b', 'y')), y, primary('a')],
      {},
      'read-write',
      'a',
      'b',
    ],
    [
      'replicas of two, and no primary',
      [says('replica', found('b', 'y')), says('primary', empty), replica('b'), y],
      {},
      'down',
      null,
      '',
    ],
    [
      'one whose identifier is unknown is no stranger',
      [
        ...settled,
        says('primary', found('a', 'c')),
        { ...replica('c'), systemId: null } as Event,
        fails('a', 'refused'),
        fails('b', 'refused'),
      ],
      {},
      'read-only',
      null,
      'c',
    ],
  ])('%s', (_, events, own, ...expected) => {
    expect(outcome(events, own)).toEqual(expected);
  });

  test('it is kept with the first session that is served', () => {
    expect(play([...both, served('a')]).effects).toEqual([{ do: 'remember', systemId: 'sys' }]);
    expect(play([...both, served('a'), served('b')]).effects).toEqual([]);
    expect(play([...both, served('a')], { systemId: 'sys' }).effects).toEqual([]);
  });

  test('the reason says which databases were found, and what to do', () => {
    expect(account(play(rivals).state)).toBe(
      'members of 2 databases are found (system identifiers other, sys): set systemId to the one that is meant',
    );
  });
});

describe('moving to another database', () => {
  const green = [says('primary', found('x'), 'http'), says('replica', empty, 'http')];
  const blue = [says('primary', found('a'), 'http'), says('replica', found('b'), 'http')];
  const begun = [...blue, primary('a'), replica('b'), served('a')];
  type Row = [string, readonly (Event | number)[], Partial<RouteConfig>, string];
  const pending = [...begun, ...green, x()];
  test.each<Row>([
    ["Consul's HTTP API has said it for three seconds", [...pending, 3_000, ...green], {}, 'x'],
    ['it did not say it again', [...pending, 3_000, tick, x()], {}, 'a'],
    ['half of it was said again', [...pending, 3_000, green[0]!], {}, 'a'],
    ['not for long enough', [...pending, 2_000, ...green], {}, 'a'],
    [
      'a member of ours was listed in between',
      [...pending, 2_000, ...blue, ...green, 2_000, ...green],
      {},
      'a',
    ],
    [
      'one that may be ours is listed',
      [
        ...begun,
        ...green,
        says('replica', found('z'), 'http'),
        x(),
        3_000,
        green[0]!,
        says('replica', found('z'), 'http'),
      ],
      {},
      'a',
    ],
    [
      'one is listed that the catalogue knows to be of the other',
      [...begun, ...greenWith('z', 'other'), x(), 3_000, ...greenWith('z', 'other')],
      {},
      'x',
    ],
    [
      'one is listed that the catalogue knows to be ours',
      [...begun, ...greenWith('z', 'sys'), x(), 3_000, ...greenWith('z', 'sys')],
      {},
      'a',
    ],
    ['it does not prove itself', [...begun, ...green, fails('x', 'refused'), 3_000, ...green], {}, 'a'],
    [
      'it is listed as a replica only',
      [
        ...begun,
        says('primary', empty, 'http'),
        says('replica', found('x'), 'http'),
        x(),
        3_000,
        says('primary', empty, 'http'),
        says('replica', found('x'), 'http'),
      ],
      {},
      'a',
    ],
    [
      'DNS says it',
      [
        ...settled,
        says('primary', found('x')),
        says('replica', empty),
        x(),
        60_000,
        says('primary', found('x')),
        says('replica', empty),
        tick,
      ],
      {},
      'a',
    ],
    ['DNS has said it since', [...pending, says('primary', found('x')), 3_000, ...green], {}, 'a'],
    ['nobody says anything since', [...pending, says('primary', unavailable), 3_000, tick], {}, 'a'],
    ['the option is final', [...pending, 3_000, ...green], { systemId: 'sys' }, 'a'],
    ['and back again', [...pending, 3_000, ...green, ...blue, primary('a'), 3_000, ...blue], {}, 'a'],
  ])('%s', (_, events, own, writer) => {
    const { state } = play(events, own);
    expect(state.writer?.host).toBe(writer);
  });

  function greenWith(host: string, systemId: string): Event[] {
    const lookup = { ...found(host), systems: { [`${host}:5432`]: systemId } };
    return [green[0]!, says('replica', lookup as never, 'http')];
  }

  test('it is announced, remembered, and sessions are replaced', () => {
    const { state, effects, lines } = play([...pending, 3_000, tick, ...green]);
    expect(lines.at(-3)).toContain('; confirm');
    expect(effects.map((effect) => effect.do)).toEqual(['retire', 'mode', 'remember']);
    const reason =
      "moved to the database with system identifier other (before: sys): Consul's HTTP API has listed no other for 3 s";
    expect(lines.at(-1)).toContain(`mode read-write (${reason})`);
    expect(state.highest).toEqual({ systemId: 'other', timeline: 1 });
    expect(outcome([...pending, 3_000, ...green])).toEqual(['read-write', 'x', 'x']);
  });

  test('two databases from the start: HTTP decides as well', () => {
    const rivals = [
      says('primary', found('a', 'x'), 'http'),
      says('replica', empty, 'http'),
      primary('a'),
      x(),
    ];
    const { state } = play([...rivals, ...green, 3_000, ...green]);
    expect([state.mode, state.writer?.host]).toEqual(['read-write', 'x']);
  });

  test.each<[string, readonly (Event | number)[], Partial<RouteConfig>, RegExp]>([
    [
      'by DNS',
      [...settled, says('primary', found('x')), says('replica', empty), x()],
      {},
      /; x:5432 is the primary of another database .*: to use that database, set hotspare.systemId to other and restart this process; or delete the file of last known members and restart it; or give it access to Consul's HTTP API$/,
    ],
    [
      'final',
      [...settled, says('primary', found('x')), says('replica', empty), x()],
      { systemId: 'sys' },
      /: to use that database, set hotspare.systemId to other and restart this process$/,
    ],
    [
      'static hosts: no file, no Consul',
      [
        { ...says('primary', found('a')), source: 'static' } as Event,
        primary('a'),
        served('a'),
        fails('a', 'refused'),
        { ...says('primary', found('x')), source: 'static' } as Event,
        x(),
      ],
      {},
      /: to use that database, set hotspare.systemId to other and restart this process$/,
    ],
    [
      'two others',
      [
        ...settled,
        says('primary', found('x')),
        says('replica', found('z')),
        x(),
        replica('z', 1n, 1n, 'third'),
      ],
      {},
      /: to use one of these databases, set hotspare.systemId to its system identifier and restart this process$/,
    ],
    ['soon', pending, {}, /: it will be used once Consul's HTTP API has listed no other for 3 s$/],
    ['ours is listed as well', [...settled, says('primary', found('a', 'x')), x()], {}, /is not used$/],
    [
      'none of ours is known',
      [says('primary', found('x')), x()],
      { systemId: 'sys' },
      /^no known member belongs to our database; x:5432 is/,
    ],
  ])('until then the reason says what is seen, and what to do: %s', (_, events, own, reason) => {
    expect(account(play(events, own).state)).toMatch(reason);
  });
});

describe('what a member does not tell', () => {
  const silent = (name: string, systemId: string | null = null): Event =>
    ({ ...primary(name), systemId, timeline: null, withheld: '42501: no' }) as Event;
  const rows: [string, readonly Event[], ...ReturnType<typeof outcome>][] = [
    [
      'nobody tells anything: its role decides',
      [...listed, silent('a'), replica('b')],
      'read-write',
      'a',
      'b',
    ],
    ['it tells only where it belongs', [...listed, silent('a', 'sys'), replica('b')], 'read-write', 'a', 'b'],
    ['it has told before', [...settled, silent('a', 'sys')], 'read-write', 'a', 'b'],
    ['another has told its timeline', [...settled, fails('a', 'refused'), silent('b')], 'down', null, ''],
    [
      'and tells a higher one now',
      [...listed, silent('a'), served('a'), primary('b', 2)],
      'read-write',
      'b',
      'b',
    ],
    [
      'of another database for all that it tells',
      [...settled, says('primary', found('a', 'x')), fails('a', 'refused'), silent('x', 'other')],
      'read-only',
      null,
      'b',
    ],
  ];
  test.each(rows)('%s', (_, events, ...expected) => {
    expect(outcome(events)).toEqual(expected);
  });

  test('the reason names the error', () => {
    const { state } = play([...settled, fails('a', 'refused'), silent('b')]);
    expect(account(state)).toBe(
      "b:5432 calls itself primary, but does not tell its timeline, and others have told theirs: the app's role needs the right to EXECUTE pg_current_wal_lsn and pg_walfile_name there; b:5432 does not tell all: 42501: no (the app's role needs the right to EXECUTE it)",
    );
  });
});
