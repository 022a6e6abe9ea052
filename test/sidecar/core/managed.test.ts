import { describe, expect, test } from 'vitest';
import type { PublishedHistory } from '../../../common/failover/published-history.js';
import type { GateKind } from '../../../common/postgres/gate-name.js';
import { eligible } from '../../../sidecar/core/mode/eligible.js';
import { hurriedMs } from '../../../sidecar/core/managed/bars.js';
import type { Event, State } from '../../../sidecar/core/model.js';
import { topologyOf } from '../../../sidecar/postgres/pool/topology.js';
import { sentence } from '../../../sidecar/core/words/reasons.js';
import { config, fails, found, lost, member, play, primary, proved, replica, says } from './story.js';

/** A primary that agents lead; its gate, if it has one, and whether its sessions were told to read only. */
const leads = (name: string, timeline: number, gate?: GateKind, drained = false): Event =>
  Object.assign(primary(name, timeline), { gate, drained });
/** A standby of a managed service stands behind its gate. */
const follows = (name: string): Event => Object.assign(replica(name), { gate: 'gate' });
const stalled = (name: string, missing: boolean): Event => ({
  type: 'acknowledgements',
  target: member(name),
  missing,
});

const listed = [says('primary', found('a')), says('replica', found('b'))];
const pair = [...listed, leads('a', 1), follows('b')];
const uses = (state: State) =>
  Object.fromEntries(
    (['main', 'read', 'primary'] as const).map((use) => [
      use,
      eligible(state, use, config)
        .map(({ host }) => host)
        .join(' '),
    ]),
  );
const toA = { main: 'a', read: 'b', primary: 'a' };
const onB = { main: 'b', read: 'b', primary: '' };

describe('who serves while agents move the primary', () => {
  test.each<[name: string, events: (Event | number)[], expected: Record<string, string>]>([
    ['a standby is not barred by its own gate', pair, toA],
    [
      'promoted by hand behind its gate: the true one stays',
      [...pair, leads('b', 2, 'gate')],
      { ...toA, read: 'a' },
    ],
    [
      'its gate is open: it takes over',
      [...pair, leads('b', 2, 'gate'), leads('b', 2)],
      { main: 'b', read: 'b', primary: 'b' },
    ],
    [
      'told to read only: it reads on, and no other',
      [...pair, leads('a', 1, undefined, true)],
      { main: 'a', read: 'b', primary: '' },
    ],
    ['a gate that is held is open', [...pair, leads('a', 1, 'hold')], toA],
    [
      'one that is held for longer than anybody may hold it is not',
      [...pair, leads('a', 1, 'hold'), 2_100, leads('a', 1, 'hold')],
      onB,
    ],
    [
      'held, open, held again: the time begins anew',
      [
        ...pair,
        leads('a', 1, 'hold'),
        1_500,
        leads('a', 1),
        leads('a', 1, 'hold'),
        1_500,
        leads('a', 1, 'hold'),
      ],
      toA,
    ],
    ['its gate is closed for good: the standby reads', [...pair, leads('a', 1, 'gate', true)], onB],
    [
      'nobody but primaries behind gates: who only reads may read at the one that stays',
      [...pair, leads('a', 1, 'gate', true), leads('b', 2, 'gate')],
      { main: '', read: 'b', primary: '' },
    ],
    ['given up: the old one goes on', [...pair, leads('a', 1, 'gate', true), leads('a', 1)], toA],
    ['writes wait for a standby', [...pair, stalled('a', true)], onB],
    ['and no longer', [...pair, stalled('a', true), stalled('a', false)], toA],
    [
      'of a standby nothing is waited for',
      [...pair, stalled('b', true), lost('a'), fails('a', 'refused')],
      onB,
    ],
  ])('%s', (_, events, expected) => {
    expect(uses(play(events).state)).toEqual(expected);
  });

  test('no service without agents is told to read only by a setting', () => {
    const events = [...listed, Object.assign(primary('a'), { drained: true }), replica('b')];
    expect(uses(play(events).state)).toEqual(toA);
  });

  test.each([
    [undefined, true, 'the primary a:5432 only reads: it is being left in a switchover'],
    ['gate', false, 'the primary a:5432 acknowledges no write: its gate is closed'],
  ] as const)('why: gate %s, drained %s', (gate, drained, reason) => {
    expect(sentence(play([...pair, leads('a', 1, gate, drained)]).state.reason)).toBe(reason);
  });

  test('what is shown of a primary behind its gate', () => {
    const { members, primary: shown } = topologyOf(
      play([...pair, leads('b', 2, 'gate')]).state,
      1_000,
      config,
    );
    expect(shown).toMatchObject(member('a'));
    expect(members.map(({ detail, timeline }) => [detail, timeline])).toEqual([
      ['is the primary', 1],
      ['acknowledges no write: its gate is closed', null],
    ]);
  });

  test('a gated primary raises no timeline: the true one is written to when it is back', () => {
    const { state } = play([...pair, leads('b', 2, 'gate'), lost('a'), fails('a', 'refused'), leads('a', 1)]);
    expect(state.highest?.timeline).toBe(1);
    expect(uses(state).main).toBe('a');
  });

  test('nor later, when it follows and another primary of its database is chosen', () => {
    const before = play([...pair, leads('b', 2, 'gate'), lost('b'), follows('b')]).state;
    expect(before.members.get('b:5432')?.epoch).toBeNull();
  });

  test('nor does it decide to which database a process belongs', () => {
    const other = Object.assign(primary('x', 7, 1n, 'other'), { gate: 'gate' });
    const { state } = play([says('primary', found('a', 'x')), other, leads('a', 1)]);
    expect(state.system).toEqual({ kind: 'apparent', systemId: 'sys' });
  });
});

describe("a session's word alone", () => {
  test('makes no writer where agents lead: its monitor is asked', () => {
    const { state, effects } = play([...pair, lost('a'), fails('a', 'refused'), proved('b', 'primary')]);
    expect(state.mode).toBe('read-only');
    expect(effects).toEqual([{ do: 'probe', target: member('b') }]);
  });
  test('does where nobody leads', () => {
    const { state } = play([...listed, proved('a', 'primary')]);
    expect(state.writer).toEqual(member('a'));
  });
});

describe('whoever is newly listed', () => {
  test.each<[name: string, before: Event[], heard: Event, probed: string[]]>([
    ['as primary, and proven as replica, is asked at once', pair, says('primary', found('b')), ['b', 'a']],
    ['as before is not', pair, says('primary', found('a')), []],
    [
      'as primary, and last heard behind its gate',
      [...pair, leads('b', 2, 'gate')],
      says('primary', found('a', 'b')),
      ['b'],
    ],
    [
      'as what it has proven is not',
      [...pair, says('primary', found('b')), leads('b', 2)],
      says('primary', found('b')),
      [],
    ],
  ])('%s', (_, before, heard, probed) => {
    const { effects } = play([...before, heard]);
    expect(effects.flatMap((effect) => (effect.do === 'probe' ? [effect.target.host] : []))).toEqual(probed);
  });

  test('when the writer is drained everybody is asked at once, and often for a while', () => {
    const { state, effects } = play([...pair, leads('a', 1, undefined, true)]);
    expect(effects).toEqual(
      expect.arrayContaining([
        { do: 'probe', target: member('a') },
        { do: 'probe', target: member('b') },
      ]),
    );
    expect(hurriedMs(state, state.modeSinceMs + 100)).toBe(25);
    expect(hurriedMs(state, state.modeSinceMs + 60_000)).toBeNull();
    expect(hurriedMs(play(pair).state, 500)).toBeNull();
  });
});

describe('never below the registration', () => {
  const registered = (epoch: number, timeline: number, systemId = 'sys'): Event => {
    const history: PublishedHistory = { systemId, epoch, timeline };
    const lookup = { ...found('a'), histories: { 'a:5432': history } };
    return { type: 'proposal', role: 'primary', lookup, source: 'http' };
  };
  test.each<[name: string, events: Event[], writer: string | undefined]>([
    ['of its timeline', [registered(2, 2), leads('a', 2)], 'a'],
    ['of a later one: the registration is late', [registered(2, 2), leads('a', 3)], 'a'],
    ['of an earlier one', [registered(2, 2), leads('a', 1)], undefined],
    [
      'one that does not tell its timeline',
      [registered(2, 2), Object.assign(leads('a', 2), { timeline: null })],
      undefined,
    ],
    ['the registration comes later', [leads('a', 1), registered(2, 2)], undefined],
    [
      'a late registration takes nothing back',
      [registered(3, 3), registered(2, 2), leads('a', 2)],
      undefined,
    ],
    ['a new epoch counts, whatever its timeline', [registered(3, 3), registered(4, 2), leads('a', 2)], 'a'],
    ['of another database', [registered(9, 9, 'other'), leads('a', 1)], 'a'],
  ])('%s', (_, events, writer) => {
    expect(play([says('primary', found('a')), ...events]).state.writer?.host).toBe(writer);
  });

  test('why', () => {
    const { state } = play([says('primary', found('a')), registered(2, 2), leads('a', 1)]);
    expect(sentence(state.reason)).toBe(
      'a:5432 calls itself primary, below timeline 2 of epoch 2, which is registered in Consul: it is out of date',
    );
  });
});
