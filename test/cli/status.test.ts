import { createServer, type Server } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import type { AgentStatus, ServiceStatus } from '../../common/agent-status.js';
import type { ConsulEntry, Readings } from '../../cli/status/model.js';
import { age, renderSummary } from '../../cli/status/render.js';
import { statusCommand } from '../../cli/status/status.js';
import { summarize } from '../../cli/status/summarize.js';
import { freePorts } from '../support/ports.js';

const options = { maxLagBytes: 1_000 };

const primary: Partial<ServiceStatus> = {
  role: 'primary',
  timeline: 1,
  lsn: '0/3',
  since: '2026-01-01T00:00:00.000Z',
};
const replica: Partial<ServiceStatus> = {
  role: 'replica',
  timeline: 1,
  lagBytes: 0,
  streaming: true,
  since: '2026-01-01T00:00:05.000Z',
};
const dead: Partial<ServiceStatus> = {
  role: 'primary',
  state: 'critical',
  detail: 'connection refused',
  since: '2026-01-02T00:00:00.000Z',
};

const address = (box: string) => (box === 'pg1' ? '10.0.0.1' : '10.0.0.2');
const url = (box: string) => `http://${address(box)}:8008`;

function agent(box: string, service: Partial<ServiceStatus>, more: Partial<AgentStatus> = {}) {
  const status: AgentStatus = {
    box,
    version: '1',
    startedAt: '2026-01-01T00:00:00.000Z',
    services: [
      {
        name: 'pg',
        kind: 'postgres',
        address: address(box),
        port: 5432,
        state: 'passing',
        since: '2026-01-01T00:00:00.000Z',
        detail: `serving as ${service.role}`,
        ...service,
      },
    ],
    consul: { reachable: true, since: '2026-01-01T00:00:00.000Z' },
    ...more,
  };
  return { kind: 'read', url: url(box), status } as const;
}

function entry(box: string, more: Partial<ConsulEntry> = {}): ConsulEntry {
  return {
    box,
    address: address(box),
    port: 5432,
    role: box === 'pg1' ? 'primary' : 'replica',
    status: 'passing',
    text: 'well',
    heard: true,
    agentUrl: url(box),
    ...more,
  };
}

function readings(more: Partial<Readings> = {}): Readings {
  return {
    service: 'pg',
    consul: { kind: 'read', entries: [entry('pg1'), entry('pg2')] },
    agents: [agent('pg1', primary), agent('pg2', replica)],
    ...more,
  };
}

const expired = (box: string) => entry(box, { status: 'critical', text: 'TTL expired', heard: false });
const entries = (...list: ConsulEntry[]) => ({ kind: 'read', entries: list }) as const;
const silent = (box: string) =>
  ({ kind: 'failed', url: url(box), why: 'its agent does not answer' }) as const;

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
      'pg1: Consul holds it as critical, because nobody refreshes its check: TTL expired',
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
      'pg1: Consul holds it as critical, because nobody refreshes its check: TTL expired',
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
      'pg1: Consul holds it as critical, because nobody refreshes its check: TTL expired',
      'pg1: its agent does not answer, so what Consul holds is shown',
      'pg2: Consul holds it as critical, because nobody refreshes its check: TTL expired',
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
      'pg2: Consul holds it as critical, because nobody refreshes its check: TTL expired',
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
      'there is no healthy replica either, so reads fail: bring any member back',
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

test('the lag is of the two positions, and at least its own where the primary is not heard', () => {
  const behind = { ...replica, streaming: false, lagBytes: 7, lsn: '0/1' };
  const shown = (first: Partial<ServiceStatus>) => {
    const summary = summarize(readings({ agents: [agent('pg1', first), agent('pg2', behind)] }), options);
    return [summary.members[1]?.lagBytes, /\d+ +((≥ )?\d+ B) /.exec(renderSummary(summary, 0))?.[1]];
  };
  expect(shown({ ...primary, lsn: '0/101' })).toEqual([256, '256 B']);
  expect(shown(dead)).toEqual([7, '≥ 7 B']);
  expect(shown({ ...primary, lsn: 'somewhere' })).toEqual([7, '≥ 7 B']);
});

test('the text', async () => {
  const nowMs = Date.parse('2026-01-02T03:00:00.000Z');
  const well = renderSummary(summarize(readings(), options), nowMs);
  const ill = renderSummary(
    summarize(
      readings({ agents: [agent('pg1', dead), agent('pg2', { ...replica, streaming: false, lagBytes: 7 })] }),
      options,
    ),
    nowMs,
  );
  const unheard = renderSummary(
    summarize(
      readings({
        agents: [silent('pg1'), agent('pg2', replica)],
        consul: entries(expired('pg1'), entry('pg2')),
      }),
      options,
    ),
    nowMs,
  );
  await expect(`${well}\n---\n${ill}\n---\n${unheard}`).toMatchFileSnapshot('status.golden.txt');
});

test.each([
  [-5, '0 s'],
  [119_000, '119 s'],
  [120_000, '2 min'],
  [7_200_000, '2 h'],
  [172_800_000, '2 days'],
])('%i ms is %s', (ms, text) => {
  expect(age(ms)).toBe(text);
});

describe('reading', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.close();
      server.closeAllConnections();
    }
  });

  async function serve(
    answer: (url: string) => { status?: number; body: string } | undefined,
  ): Promise<string> {
    const server = createServer((request, response) => {
      const answered = answer(request.url ?? '');
      if (answered) response.writeHead(answered.status ?? 200).end(answered.body);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  }

  async function ask(consulUrl: string, agents: string[] = [], more: { token?: string } = {}) {
    let out = '';
    let err = '';
    const io = { out: (text: string) => void (out += text), err: (text: string) => void (err += text) };
    const clock = { wallMs: () => 0 };
    const code = await statusCommand({ consulUrl, agents, timeoutMs: 300, clock, ...more }, io);
    return { code, out, err };
  }

  test.each([
    ['a refused token', { status: 403, body: 'ACL not found' }, 'lets nobody read without a token'],
    ['no leader', { status: 500, body: 'No cluster leader' }, 'HTTP status 500: No cluster leader'],
    ['something else', { body: '<html>' }, 'what answers there is something else'],
    ['another shape', { body: '{"a":1}' }, 'what answers there is something else'],
    ['no answer', undefined, 'nothing came within 300 ms'],
    ['an empty list', { body: '[]' }, 'Consul lists no pg'],
  ])('%s from Consul is a sentence and 1', async (_, answered, sentence) => {
    const { code, out, err } = await ask(await serve(() => answered));
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain(sentence);
  });

  test('what outsiders wrote is shown as text, in one row, and the reason of a maintenance with it', async () => {
    const agentUrl = await serve(() => ({
      body: JSON.stringify(
        agent('pg2', { ...replica, detail: 'x\u001b[2J\npg9  10.0.0.9:5432  primary' }).status,
      ),
    }));
    const url = await serve((path) => {
      if (path === '/v1/catalog/services') return { body: '{"pg":[],"web":["a"]}' };
      if (path.startsWith('/v1/catalog/'))
        return { body: JSON.stringify([{ ServiceMeta: { 'hotspare-agent': agentUrl } }]) };
      const check = (more: object) => ({ CheckID: 'mine', Status: 'critical', Output: '', ...more });
      const item = (node: string, checks: object[]) => ({
        Node: { Node: node, Address: '10.0.0.1' },
        Service: { ID: `pg@${node}`, Port: 5432, Tags: ['primary'], Address: '' },
        Checks: checks,
      });
      return {
        body: JSON.stringify([
          item('pg1', [check({ CheckID: '_node_maintenance', Notes: 'new\ndisk\u009b' })]),
          item('pg3', [check({ Output: 'gone\u001b[31m\r\npg8 forged' })]),
        ]),
      };
    });
    const { out, code } = await ask(url);
    expect(code).toBe(3);
    expect(out.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    expect(out).toContain('in maintenance: new disk\ufffd');
    expect(out).toContain('gone\ufffd[31m pg8 forged');
    // Found by the services that its box registered.
    expect(out).toContain('x\ufffd[2J pg9  10.0.0.9:5432  primary');
    expect(
      out
        .split('\n')
        .filter((line) => /^pg\d/.test(line))
        .map((line) => line.slice(0, 3)),
    ).toEqual(['pg1', 'pg2', 'pg3']);
  });

  test('a token that is refused is not shown, and both places it may come from are named', async () => {
    const consul = await serve(() => ({ status: 403, body: 'ACL not found' }));
    const { code, err } = await ask(consul, [], { token: 'hidden-token' });
    expect(code).toBe(1);
    expect(err).toContain('refuses the token given with CONSUL_HTTP_TOKEN or CONSUL_HTTP_TOKEN_FILE');
    expect(err).not.toContain('hidden-token');
  });

  test('no Consul and no agent named: where to find their addresses, and no made-up port', async () => {
    const [port] = (await freePorts(1)) as [number];
    const { code, err } = await ask(`http://127.0.0.1:${port}`);
    expect(code).toBe(1);
    expect(err).toContain('hotspare status --agent URL, once per box');
    expect(err.replaceAll(String(port), '')).not.toMatch(/\d{4}/);
  });

  test('a check that ran out and a box that Consul lost are no word of the member', async () => {
    const check = (CheckID: string, Status: string, Output: string) => ({ CheckID, Status, Output });
    const item = (box: string, checks: object[]) => ({
      Node: { Node: box, Address: '10.0.0.9' },
      Service: { ID: `pg@${box}`, Address: '', Port: 5432, Tags: ['primary'], Meta: {} },
      Checks: checks,
    });
    const consul = await serve(() => ({
      body: JSON.stringify([
        item('a', [check('serfHealth', 'passing', 'alive'), check('service:pg@a', 'critical', 'refused')]),
        item('b', [
          check('serfHealth', 'passing', 'alive'),
          check('service:pg@b', 'critical', 'TTL expired (…'),
        ]),
        item('c', [check('serfHealth', 'critical', 'not live'), check('service:pg@c', 'passing', 'well')]),
      ]),
    }));
    const { out } = await ask(consul);
    expect(out).toContain('mode unknown, degraded');
    expect(out).toContain('serves on b or c;');
  });

  test('beside an older Patroni, from Consul alone: master is the primary; degraded, as no agent watches', async () => {
    const item = (box: string, Tags: string[]) => ({
      Node: { Node: box, Address: '10.0.0.9' },
      Service: { ID: `shop-db/${box}`, Address: '', Port: 5432, Tags, Meta: {} },
      Checks: [{ CheckID: `shop-db/${box}`, Status: 'passing', Output: '' }],
    });
    const body = JSON.stringify([item('a', ['master']), item('b', ['replica'])]);
    const { code, out } = await ask(await serve(() => ({ body })));
    expect([code, out]).toEqual([
      3,
      expect.stringMatching(/read-write, degraded[^]*^a .* primary .*\n^b .* replica /m),
    ]);
    expect(out).toContain('a: no agent of hotspare registered it');
  });

  test('nobody answers anywhere', async () => {
    const [a, b] = (await freePorts(2)) as [number, number];
    const { code, err } = await ask(`http://127.0.0.1:${a}`, [`http://127.0.0.1:${b}`]);
    expect(code).toBe(1);
    expect(err).toContain(`127.0.0.1:${a} cannot be read: connection refused`);
    expect(err).toContain(`127.0.0.1:${b} does not answer: connection refused`);
  });

  test('a member whose agent speaks nonsense is shown as Consul has it', async () => {
    const nonsense = await serve(() => ({ body: '{"box":1}' }));
    const consul = await serve(() => ({
      body: JSON.stringify([
        {
          Node: { Node: 'pg1', Address: '10.0.0.9' },
          Service: {
            ID: 'pg@pg1',
            Address: '',
            Port: 5432,
            Tags: ['primary'],
            Meta: { 'hotspare-box': 'pg1', 'hotspare-agent': nonsense },
          },
          Checks: [
            { CheckID: 'serfHealth', Status: 'passing', Output: '' },
            { CheckID: 'service:pg@pg1', Status: 'critical', Output: 'gone\n' },
          ],
        },
      ]),
    }));
    const { code, out } = await ask(consul);
    expect(code).toBe(3);
    expect(out).toContain('10.0.0.9:5432');
    expect(out).toContain('pg1 is critical: gone');
    expect(out).toContain('what answers there is something else');
  });
});
