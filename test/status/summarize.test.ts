import { expect, test } from 'vitest';
import { summarize, type Readings } from '../../status/index.js';
import {
  agent,
  dead,
  entries,
  entry,
  expired,
  options,
  primary,
  readings,
  replica,
  silent,
} from './readings.js';

const gone = (host: string) => `Consul at http://${host}:8500 is not reachable (connection refused)`;

const rows: readonly [
  what: string,
  Partial<Readings>,
  mode: string | null,
  since: string | undefined,
  why: string[],
][] = [
  ['all is well', {}, 'read-write', primary.since, []],
  [
    'the primary is gone: read-only since it went',
    {
      agents: [agent('pg1', dead), agent('pg2', replica)],
      consul: entries(entry('pg1', { status: 'critical' }), entry('pg2')),
    },
    'read-only',
    dead.since,
    [
      'there is no primary, so writes fail: bring Postgres back on pg1; hotspare promotes no replica',
      'pg1 is critical: connection refused',
    ],
  ],
  [
    "only the primary's agent was stopped: it took the primary out of Consul, and nothing else is known of it",
    { agents: [agent('pg2', replica)], consul: entries(entry('pg2')) },
    null,
    undefined,
    [
      "Consul lists no primary: if one runs, its agent does not; start the hotspare agent on the primary's box",
      'pg2 receives WAL, so a primary is most likely alive',
    ],
  ],
  [
    '… and nothing streams to the replica',
    { agents: [agent('pg2', { ...replica, streaming: false })], consul: entries(entry('pg2')) },
    null,
    undefined,
    [
      "Consul lists no primary: if one runs, its agent does not; start the hotspare agent on the primary's box",
      'pg2 receives no WAL: nothing streams to it',
    ],
  ],
  [
    "the primary's agent was killed, and its check ran out",
    { agents: [silent('pg1'), agent('pg2', replica)], consul: entries(expired('pg1'), entry('pg2')) },
    null,
    undefined,
    [
      'it is unknown whether writes work: no agent could tell whether Postgres serves on pg1; see to hotspare-agent there',
      'pg2 receives WAL, so a primary is most likely alive',
      'pg1: Consul holds it as critical, because its agent does not refresh the check: TTL expired',
      'pg1: its agent does not answer, so what Consul holds is shown',
    ],
  ],
  [
    'the box of the primary is lost: Consul says so, and nothing streams any more',
    {
      agents: [silent('pg1'), agent('pg2', { ...replica, streaming: false })],
      consul: entries(expired('pg1'), entry('pg2')),
    },
    'read-only',
    undefined,
    [
      'there is no primary, so writes fail: bring Postgres back on pg1; hotspare promotes no replica',
      'pg1: Consul holds it as critical, because its agent does not refresh the check: TTL expired',
      'pg1: its agent does not answer, so what Consul holds is shown',
      'pg2 receives no WAL: nothing streams to it',
    ],
  ],
  [
    "the primary's agent cannot be asked from here, but keeps Consul up to date",
    {
      agents: [silent('pg1'), agent('pg2', replica)],
      consul: entries(entry('pg1', { status: 'critical', text: 'connection refused' }), entry('pg2')),
    },
    'read-only',
    undefined,
    [
      'there is no primary, so writes fail: bring Postgres back on pg1; hotspare promotes no replica',
      'pg1 is critical: connection refused',
      'pg1: its agent does not answer, so what Consul holds is shown',
    ],
  ],
  [
    'a member that was not judged yet may be the primary',
    {
      agents: [
        agent('pg1', { role: undefined, state: 'unknown', detail: 'not probed yet' } as never),
        agent('pg2', replica),
      ],
      consul: entries(entry('pg1', { role: undefined, status: 'warning' }), entry('pg2')),
    },
    null,
    undefined,
    [
      'it is unknown whether writes work: no agent could tell whether Postgres serves on pg1; see to hotspare-agent there',
      'pg2 receives WAL, so a primary is most likely alive',
      'pg1 cannot be judged: not probed yet',
    ],
  ],
  [
    'Consul is away, and of the agents only the one of the replica answers',
    {
      consul: { kind: 'failed', why: 'Consul is away' },
      agents: [silent('pg1'), agent('pg2', replica)],
    },
    null,
    undefined,
    [
      'whether there is a primary is not known: no agent that answered has one; name every box with --agent',
      'pg2 receives WAL, so a primary is most likely alive',
      'Consul is away',
      'its agent does not answer',
    ],
  ],
  [
    'both agents were killed: nobody can tell',
    { agents: [silent('pg1'), silent('pg2')], consul: entries(expired('pg1'), expired('pg2')) },
    null,
    undefined,
    [
      'it is unknown whether writes work: no agent could tell whether Postgres serves on pg1; see to hotspare-agent there',
      'no healthy replica is known, so reads fail without the primary: bring a replica back, or add one',
      'pg1: Consul holds it as critical, because its agent does not refresh the check: TTL expired',
      'pg1: its agent does not answer, so what Consul holds is shown',
      'pg2: Consul holds it as critical, because its agent does not refresh the check: TTL expired',
      'pg2: its agent does not answer, so what Consul holds is shown',
    ],
  ],
  [
    'the primary is gone and the agent of the replica too: whether it serves is not known',
    { agents: [agent('pg1', dead), silent('pg2')], consul: entries(entry('pg1'), expired('pg2')) },
    null,
    undefined,
    [
      'there is no primary, so writes fail: bring Postgres back on pg1; hotspare promotes no replica',
      'no healthy replica is known, so reads fail without the primary: bring a replica back, or add one',
      'pg1 is critical: connection refused',
      'pg2: Consul holds it as critical, because its agent does not refresh the check: TTL expired',
      'pg2: its agent does not answer, so what Consul holds is shown',
    ],
  ],
  [
    'both are gone',
    {
      agents: [
        agent('pg1', dead),
        agent('pg2', { ...dead, role: 'replica', since: '2026-01-03T00:00:00.000Z' }),
      ],
    },
    'down',
    '2026-01-03T00:00:00.000Z',
    [
      'there is no primary, so writes fail: bring Postgres back on pg1; hotspare promotes no replica',
      'no healthy replica is known either, so reads fail as well',
      'pg1 is critical: connection refused',
      'pg2 is critical: connection refused',
    ],
  ],
  [
    'no replica',
    { agents: [agent('pg1', primary)], consul: entries(entry('pg1')) },
    'read-write',
    primary.since,
    ['no healthy replica is known, so reads fail without the primary: bring a replica back, or add one'],
  ],
  [
    'two primaries',
    { agents: [agent('pg1', primary), agent('pg2', { ...primary, timeline: 2 })] },
    'read-write',
    primary.since,
    [
      'there are 2 primaries (pg1, pg2): find out which is right, and stop the other',
      'no healthy replica is known, so reads fail without the primary: bring a replica back, or add one',
    ],
  ],
  [
    'nothing streams to the replica',
    { agents: [agent('pg1', primary), agent('pg2', { ...replica, streaming: false })] },
    'read-write',
    primary.since,
    ['pg2 receives no WAL: nothing streams to it'],
  ],
  [
    'nothing streams to the replica, which cannot know how far behind it is: the positions tell',
    {
      agents: [
        agent('pg1', { ...primary, lsn: '1/8000000' }),
        agent('pg2', { ...replica, lsn: '1/0', streaming: false }),
      ],
    },
    'read-write',
    primary.since,
    ['pg2 receives no WAL: nothing streams to it', 'pg2 is 134217728 bytes behind, more than 1000'],
  ],
  [
    'while it streams, positions that were read at two moments are no lag',
    { agents: [agent('pg1', { ...primary, lsn: '1/8000000' }), agent('pg2', { ...replica, lsn: '1/0' })] },
    'read-write',
    primary.since,
    [],
  ],
  [
    'the replica is too far behind',
    { agents: [agent('pg1', primary), agent('pg2', { ...replica, lagBytes: 1_001 })] },
    'read-write',
    primary.since,
    ['pg2 is 1001 bytes behind, more than 1000'],
  ],
  [
    'the replica is on another timeline',
    { agents: [agent('pg1', { ...primary, timeline: 2 }), agent('pg2', replica)] },
    'read-write',
    primary.since,
    ['pg2 is on timeline 1, the primary pg1 on 2'],
  ],
  [
    'a warning of the agent',
    { agents: [agent('pg1', { ...primary, warnings: ['little disk'] }), agent('pg2', replica)] },
    'read-write',
    primary.since,
    ['pg1: little disk'],
  ],
  [
    'an agent does not answer: what Consul holds counts',
    { agents: [silent('pg1'), agent('pg2', replica)] },
    'read-write',
    undefined,
    ['pg1: its agent does not answer, so what Consul holds is shown'],
  ],
  [
    'an agent cannot judge: what is published counts',
    { agents: [agent('pg1', { ...primary, state: 'unknown', detail: 'slots' }), agent('pg2', replica)] },
    'read-write',
    primary.since,
    ['pg1 cannot be judged: slots'],
  ],
  [
    'an agent cannot judge what is published as critical',
    {
      agents: [agent('pg1', { ...primary, state: 'unknown', detail: 'slots' }), agent('pg2', replica)],
      consul: entries(entry('pg1', { status: 'critical' }), entry('pg2')),
    },
    'read-only',
    primary.since,
    [
      'there is no primary, so writes fail: bring Postgres back on pg1; hotspare promotes no replica',
      'pg1 cannot be judged: slots',
    ],
  ],
  [
    'Consul holds a healthy member as critical',
    { consul: entries(entry('pg1', { status: 'critical', text: 'Agent not live' }), entry('pg2')) },
    'read-write',
    primary.since,
    ['pg1: Consul holds it as critical (Agent not live), though its agent sees it well'],
  ],
  [
    'Consul is away',
    { consul: { kind: 'failed', why: 'Consul is away' } },
    'read-write',
    primary.since,
    ['Consul is away'],
  ],
  [
    'an agent has lost Consul',
    {
      agents: [
        agent('pg1', primary, { consul: { reachable: false, since: '2026-01-04', detail: 'refused' } }),
        agent('pg2', replica),
      ],
    },
    'read-write',
    primary.since,
    ["pg1's agent and Consul: refused"],
  ],
  [
    'the Consul beside each agent is away: said once',
    {
      agents: [
        agent('pg1', primary, {
          consul: { reachable: false, since: '2026-01-04', detail: gone('10.0.0.1') },
        }),
        agent('pg2', replica, {
          consul: { reachable: false, since: '2026-01-04', detail: gone('10.0.0.2') },
        }),
      ],
    },
    'read-write',
    primary.since,
    ['the agents of pg1, pg2 and their Consul: not reachable (connection refused)'],
  ],
  [
    'files that are not up to date, on boxes without a member, too',
    {
      agents: [
        agent('pg1', primary),
        agent('pg2', replica),
        agent(
          'nginx1',
          { name: 'nginx' },
          {
            templates: [
              { destination: '/a', state: 'failing', detail: 'reload: no' },
              { destination: '/b', state: 'current', leftOut: ['x is left out'], doubted: ['y is missing'] },
              { destination: '/c', state: 'waiting' },
            ],
          },
        ),
      ],
    },
    'read-write',
    primary.since,
    ['nginx1: /a is not up to date: reload: no', 'nginx1: /b: x is left out', 'nginx1: /b: y is missing'],
  ],
];

test.each(rows)('%s', (_, more, mode, since, why) => {
  const summary = summarize(readings(more), options);
  expect(summary).toMatchObject({ mode, why, degraded: why.length > 0 });
  expect(summary.since).toBe(since);
});
