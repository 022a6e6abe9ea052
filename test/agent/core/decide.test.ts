import { describe, expect, test } from 'vitest';
import { decide } from '../../../agent/core/decide.js';
import { freshPublishing } from '../../../agent/core/publish/publishing.js';
import type { Action, CatalogueView, ProbeResult, Health } from '../../../agent/core/model.js';
import {
  down,
  entry,
  entryAfter,
  facts,
  full,
  model,
  observation,
  passing,
  present,
  refused,
  state as stateOf,
  unseen,
  type Observed,
} from '../builders.js';

const wasPrimary: Health = { kind: 'passing', facts: facts('primary'), sinceMs: 10 };
const wasReplica: Health = { kind: 'passing', facts: facts('replica'), sinceMs: 10 };
const wasDown: Health = { kind: 'critical', trouble: refused, role: 'primary', sinceMs: 10 };
const loginRefused = {
  kind: 'unknown',
  obstacle: { kind: 'login-refused', sqlState: '28P01', text: 'no' },
} as const;
const critical = {
  status: 'critical',
  text: 'connection refused: nothing listens there',
  refreshedMs: 0,
} as const;

const toldToLeave = {
  isLeaving: true,
  catalogue: present({
    check: { status: 'critical', text: 'this box was told to leave the catalogue', refreshedMs: 1_000 },
  }),
} as const;

/** One line per action. */
function told(actions: readonly Action[]): string[] {
  return actions.map((action) => {
    switch (action.kind) {
      case 'register':
        return `register [${action.registration.tags.join()}] first ${action.registration.initialStatus}`;
      case 'update-check':
        return `check ${action.status}: ${action.text}`;
      case 'deregister':
        return `deregister ${action.id}`;
    }
  });
}

/** Known of the member while a refusal of Consul's forbids to write before then. */
interface Pausing {
  readonly kind: 'pausing';
  readonly health: Health;
  readonly notBeforeMs: number;
}

type Before = Health | Pausing;
const rows: readonly [what: string, state: Before, observed: Observed, reason: string, actions: string[]][] =
  [
    ['before the first probe nothing is touched', unseen, { probe: undefined }, 'first-probe-pending', []],
    [
      'not even when Consul has nothing',
      unseen,
      { probe: undefined, catalogue: { kind: 'absent' } },
      'first-probe-pending',
      [],
    ],
    [
      'without knowing what Consul holds nothing is published',
      wasPrimary,
      { catalogue: { kind: 'unread', why: 'not-yet' } },
      'consul-unread',
      [],
    ],
    [
      'a new service starts critical and passes once its tags are there',
      unseen,
      { catalogue: { kind: 'absent' } },
      'not-registered',
      ['register [primary] first passing', 'check passing: well'],
    ],
    [
      'a replica is registered as one',
      unseen,
      { catalogue: { kind: 'absent' }, probe: passing('replica') },
      'not-registered',
      ['register [replica] first passing', 'check passing: well'],
    ],
    [
      'a service without roles has no tag',
      unseen,
      { catalogue: { kind: 'absent' }, probe: { kind: 'passing', facts: { kind: 'http' } } },
      'not-registered',
      ['register [] first passing', 'check passing: well'],
    ],
    ['all is as it should be', wasPrimary, {}, 'steady', []],
    ['a check is refreshed in time', wasPrimary, { nowMs: 3_000 }, 'refresh-due', ['check passing: well']],
    [
      'a check whose age is not known is refreshed',
      wasPrimary,
      { catalogue: present({ check: { status: 'passing', text: 'well', refreshedMs: undefined } }) },
      'refresh-due',
      ['check passing: well'],
    ],
    [
      'a lost primary goes critical and keeps its tag',
      wasPrimary,
      { probe: down },
      'status-differs',
      ['check critical: connection refused: nothing listens there'],
    ],
    [
      'it comes back',
      wasDown,
      { catalogue: present({ check: critical }) },
      'status-differs',
      ['check passing: well'],
    ],
    [
      'it comes back as a replica: tags first, passing after',
      wasDown,
      { probe: passing('replica'), catalogue: present({ check: critical }) },
      'entry-differs',
      ['register [replica] first critical', 'check passing: well'],
    ],
    [
      'a promotion while passing',
      wasReplica,
      { catalogue: present({ tags: ['replica'] }) },
      'entry-differs',
      ['register [primary] first passing', 'check passing: well'],
    ],
    [
      'worse goes before a changed registration',
      wasPrimary,
      { probe: down, catalogue: present({ address: '10.0.0.1' }) },
      'entry-differs',
      ['check critical: connection refused: nothing listens there', 'register [primary] first passing'],
    ],
    [
      'another trouble is another text',
      wasDown,
      {
        probe: { kind: 'critical', trouble: { kind: 'no-answer', deadlineMs: 900 } },
        catalogue: present({ check: critical }),
      },
      'text-differs',
      ['check critical: no answer within 900 ms'],
    ],
    [
      'found down at the start: the tag in Consul is kept',
      unseen,
      { probe: down, catalogue: present({ tags: ['replica'] }) },
      'status-differs',
      ['check critical: connection refused: nothing listens there'],
    ],
    [
      'found down at the start, and Consul knows nothing: no role is invented',
      unseen,
      { probe: down, catalogue: { kind: 'absent' } },
      'not-registered',
      ['register [] first critical', 'check critical: connection refused: nothing listens there'],
    ],
    ['what cannot be judged stays as it is', wasPrimary, { probe: full }, 'steady', []],
    [
      'a member that is down, then refuses the password: critical still, and no longer "connection refused"',
      wasDown,
      { probe: loginRefused, catalogue: present(entry({ tags: ['primary'], check: critical })) },
      'text-differs',
      [
        `check critical: it runs, but refuses the agent's login: no (28P01); check probe.user, probe.passwordFile, probe.ssl and pg_hba.conf`,
      ],
    ],
    [
      '… an agent that was late knows of nothing newer',
      wasDown,
      {
        probe: { kind: 'unknown', obstacle: { kind: 'agent-late' } },
        catalogue: present(entry({ tags: ['primary'], check: critical })),
      },
      'steady',
      [],
    ],
    [
      '… an agent that was restarted meanwhile, too',
      unseen,
      { probe: loginRefused, catalogue: present(entry({ tags: ['primary'], check: critical })) },
      'text-differs',
      [
        `check critical: it runs, but refuses the agent's login: no (28P01); check probe.user, probe.passwordFile, probe.ssl and pg_hba.conf`,
      ],
    ],
    [
      'and is kept alive',
      { kind: 'unknown', obstacle: { kind: 'slots-full' }, last: wasPrimary, sinceMs: 10 },
      { probe: full, nowMs: 3_000 },
      'refresh-due',
      ['check passing: well'],
    ],
    [
      'and is registered again as last proven, should Consul have lost it',
      { kind: 'unknown', obstacle: { kind: 'slots-full' }, last: wasPrimary, sinceMs: 10 },
      { probe: full, catalogue: { kind: 'absent' } },
      'not-registered',
      ['register [primary] first passing', 'check passing: well'],
    ],
    [
      'never judged, registered by an earlier run: kept alive',
      unseen,
      { probe: full, nowMs: 3_000 },
      'refresh-due',
      ['check passing: well'],
    ],
    [
      'never judged and not registered: a warning, without a role',
      unseen,
      { probe: full, catalogue: { kind: 'absent' } },
      'not-registered',
      ['register [] first warning', 'check warning: not judged yet: the agent could not probe it so far'],
    ],
    [
      'a check that was removed by hand comes back',
      wasPrimary,
      { catalogue: present({ check: undefined }) },
      'check-missing',
      ['register [primary] first passing', 'check passing: well'],
    ],
    [
      'tags edited by hand are mended',
      wasPrimary,
      { catalogue: present({ tags: ['primary', 'mine'] }) },
      'entry-differs',
      ['register [primary] first passing', 'check passing: well'],
    ],
    [
      'so is meta',
      wasPrimary,
      { catalogue: present({ meta: {} }) },
      'entry-differs',
      ['register [primary] first passing', 'check passing: well'],
    ],
    [
      'stopping: it is refreshed once more, so that it stands for its whole time to live',
      wasPrimary,
      { stoppingSinceMs: 500 },
      'refresh-due',
      ['check passing: well'],
    ],
    [
      '… once',
      wasPrimary,
      {
        stoppingSinceMs: 500,
        catalogue: present({ check: { status: 'passing', text: 'well', refreshedMs: 500 } }),
      },
      'steady',
      [],
    ],
    [
      '… and what is not true any more is retracted still',
      wasPrimary,
      { stoppingSinceMs: 500, probe: down },
      'status-differs',
      ['check critical: connection refused: nothing listens there'],
    ],
    [
      '… but nothing new is registered',
      wasPrimary,
      { stoppingSinceMs: 500, catalogue: { kind: 'absent' } },
      'stopping',
      [],
    ],
    [
      'told to leave: it is called critical first, as others doubt what just vanishes',
      wasPrimary,
      { isLeaving: true },
      'leaving',
      ['check critical: this box was told to leave the catalogue'],
    ],
    ['… then removed', wasPrimary, { nowMs: 1_300, ...toldToLeave }, 'leaving', ['deregister pg@pg1']],
    [
      '… but not before that had time to reach the others',
      wasPrimary,
      { nowMs: 1_200, ...toldToLeave },
      'leaving',
      [],
    ],
    [
      '… at once where it was critical anyway',
      wasDown,
      {
        isLeaving: true,
        catalogue: present({ check: { status: 'critical', text: 'gone', refreshedMs: 900 } }),
      },
      'leaving',
      ['deregister pg@pg1'],
    ],
    [
      '… and never registered again',
      wasPrimary,
      { isLeaving: true, catalogue: { kind: 'absent' } },
      'left',
      [],
    ],
    [
      'Consul said no: nothing is tried before its time',
      { kind: 'pausing', health: wasPrimary, notBeforeMs: 1_500 },
      { catalogue: { kind: 'absent' } },
      'backing-off',
      [],
    ],
    [
      'what no probe has confirmed for long is not refreshed',
      wasPrimary,
      { nowMs: 20_000, probe: undefined },
      'probe-stale',
      [],
    ],
    [
      'another agent has taken the box over: nothing is written',
      wasPrimary,
      { isSuperseded: true, catalogue: { kind: 'absent' } },
      'superseded',
      [],
    ],
    [
      '… nor refreshed at the end',
      wasPrimary,
      { isSuperseded: true, stoppingSinceMs: 500 },
      'superseded',
      [],
    ],
    [
      'the catalogue of the servers lacks what the agent of Consul on this box holds',
      wasPrimary,
      { echo: 'missing' },
      'catalogue-differs',
      ['register [primary] first passing', 'check passing: well'],
    ],
    [
      'the catalogue of the servers holds something else',
      wasPrimary,
      { echo: 'different', probe: down },
      'catalogue-differs',
      ['register [primary] first passing', 'check critical: connection refused: nothing listens there'],
    ],
  ];

test.each(rows)('%s', (_, state, observed, reason, actions) => {
  const before =
    state.kind === 'pausing'
      ? stateOf(state.health, { publishing: { ...freshPublishing, notBeforeMs: state.notBeforeMs } })
      : stateOf(state);
  const decision = decide(before, observation(observed), model);
  expect(decision.reasons.publish.kind).toBe(reason);
  expect(told(decision.actions)).toEqual(actions);
});

test.each<[string, Observed, number | undefined]>([
  ['a refresh', {}, 3_000],
  [
    'a farewell',
    {
      isLeaving: true,
      catalogue: present({
        check: { status: 'critical', text: 'this box was told to leave the catalogue', refreshedMs: 900 },
      }),
    },
    1_200,
  ],
  ['nothing that time alone brings', { catalogue: { kind: 'unread', why: 'late' } }, undefined],
])('it wants to be woken for %s', (_, observed, wakeAtMs) => {
  expect(decide(stateOf(wasPrimary), observation(observed), model).wakeAtMs).toBe(wakeAtMs);
});

test('whatever the probe and the catalogue say, a role is never passing in Consul unless it was proven', () => {
  const catalogues = [
    { kind: 'absent' } as const,
    present(),
    present({ tags: ['replica'] }),
    present({ check: critical, tags: [] }),
    present({ check: undefined }),
    { kind: 'present', entry: entry({ port: 1 }) } as const,
  ];
  for (const probe of [passing('primary'), passing('replica'), down]) {
    for (const state of [unseen, wasPrimary, wasReplica, wasDown]) {
      for (const catalogue of catalogues) {
        let held = catalogue.kind === 'present' ? catalogue.entry : undefined;
        const startedTrue = held?.check?.status !== 'passing';
        const proven =
          probe.kind === 'passing' && probe.facts.kind === 'postgres' ? probe.facts.role : undefined;
        let now = stateOf(state);
        let seen = observation({ probe, catalogue });
        for (let count = 0; ; count++) {
          const decision = decide(now, seen, model);
          const [action] = decision.actions;
          if (!action) break;
          expect(count).toBeLessThan(4);
          held = entryAfter(held, action, seen.nowMs);
          if (startedTrue && held?.check?.status === 'passing') expect(held.tags).toEqual([proven]);
          now = decision.state;
          const known: CatalogueView = held ? { kind: 'present', entry: held } : { kind: 'absent' };
          seen = observation({
            probe: undefined,
            catalogue: known,
            attempt: { action, askedMs: seen.nowMs, outcome: { kind: 'done' } },
          });
        }
        if (held?.check?.status === 'passing') expect(held.tags).toEqual([proven]);
      }
    }
  }
});

describe('which database it is, in the meta', () => {
  const system = { 'hotspare-system': '7' };
  const meta = (catalogue: CatalogueView, probe: ProbeResult) => {
    const { actions } = decide(stateOf(unseen), observation({ catalogue, probe }), model);
    return actions.flatMap((action) => (action.kind === 'register' ? [action.registration.meta] : []));
  };
  const known: ProbeResult = { kind: 'passing', facts: facts('primary', { systemId: '7' }) };
  const there = present({ meta: { ...model.meta, ...system } });

  test.each<[string, CatalogueView, ProbeResult, readonly object[]]>([
    ['is published', { kind: 'absent' }, known, [{ ...model.meta, ...system }]],
    ['also beside what was published without it', present(), known, [{ ...model.meta, ...system }]],
    ['once', there, known, []],
    ['stays while the member is away', there, down, []],
    ['and while the agent cannot look', there, full, []],
    [
      'of another database, it is replaced',
      present({ meta: { ...model.meta, 'hotspare-system': '8' } }),
      known,
      [{ ...model.meta, ...system }],
    ],
  ])('%s', (_, catalogue, probe, registered) => {
    expect(meta(catalogue, probe)).toEqual(registered);
  });
});
