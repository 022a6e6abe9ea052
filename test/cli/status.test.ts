import { createServer, type Server } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import type { ServiceStatus } from '../../common/agent/status.js';
import { age, renderSummary } from '../../cli/status/render.js';
import { statusCommand } from '../../cli/status/status.js';
import { summarize } from '../../status/index.js';
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
} from '../status/readings.js';
import { eventuallyMs } from '../support/patience.js';
import { freePorts } from '../support/ports.js';

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

  const json = { 'content-type': 'application/json' };
  async function serve(
    answer: (url: string) => { status?: number; body: string } | undefined,
  ): Promise<string> {
    const server = createServer((request, response) => {
      const answered = answer(request.url ?? '');
      if (answered) response.writeHead(answered.status ?? 200, json).end(answered.body);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  }

  async function ask(
    consulUrl: string,
    agents: string[] = [],
    more: { token?: string; timeoutMs?: number } = {},
  ) {
    let out = '';
    let err = '';
    const io = { out: (text: string) => void (out += text), err: (text: string) => void (err += text) };
    const clock = { wallMs: () => 0 };
    const code = await statusCommand({ consulUrl, agents, timeoutMs: eventuallyMs, clock, ...more }, io);
    return { code, out, err };
  }

  test.each([
    ['a refused token', { status: 403, body: 'ACL not found' }, 'lets nobody read without a token'],
    ['no leader', { status: 500, body: 'No cluster leader' }, 'HTTP status 500: No cluster leader'],
    ['something else', { body: '<html>' }, 'what answers there is not Consul'],
    ['another shape', { body: '{"a":1}' }, 'what answers there is not Consul'],
    ['no answer', undefined, 'no answer within 300 ms'],
    ['an empty list', { body: '[]' }, 'Consul lists no pg'],
  ])('%s from Consul is a sentence and 1', async (_, answered, sentence) => {
    // Whoever answers may take its time.
    const more = answered === undefined ? { timeoutMs: 300 } : {};
    const { code, out, err } = await ask(await serve(() => answered), [], more);
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
