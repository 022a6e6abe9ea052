import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConsulConnection } from '../../../common/consul/connection.js';
import type { ConsulFailure } from '../../../common/consul/failure.js';
import { ConsulWatch } from '../../../common/consul/watch.js';
import { list } from '../../../common/text/json.js';
import { systemClock as clock } from '../../../common/runtime/clock.js';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';
import { json, startHostileServer, type HostileServer } from './hostile-server.js';

let server: HostileServer;
let connection: ConsulConnection;
let stop: AbortController;

beforeEach(async () => {
  server = await startHostileServer();
  connection = new ConsulConnection({ url: server.url, clock });
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  connection.close();
  await server.stop();
});

function watch(
  onAnswer: (value: unknown[], isNews: boolean) => void = () => {},
  { waitMs = 20_000, retry = { baseMs: 10, maxMs: 20 } } = {},
) {
  const failures: ConsulFailure[] = [];
  const running = new ConsulWatch({
    connection,
    path: 'health/service/pg',
    query: { cached: '' },
    waitMs,
    deadlineMs: 5_000,
    retry,
    clock,
    random: () => 0.5,
    parse: list,
    onAnswer,
    onFailure: (why) => void failures.push(why),
  });
  return { running, failures, ended: running.run(stop.signal) };
}

/** Answers with these indexes one after the other, and holds the question that follows. */
function indexes(...told: (string | undefined)[]): void {
  server.answer = (_, response) => {
    if (server.asked.length > told.length) return;
    const index = told[server.asked.length - 1];
    response
      .writeHead(200, { ...json, ...(index === undefined ? {} : { 'x-consul-index': index }) })
      .end('[]');
  };
}

const indexesAsked = () => server.asked.map((url) => new URL(url, server.url).searchParams.get('index'));

test('it asks on from the index it was told, and says whether there is news', async () => {
  const news: boolean[] = [];
  indexes('5', '5', '9');
  // No answer comes before its time, then.
  watch((_, isNews) => news.push(isNews), { waitMs: 1 });
  await waitFor('four questions', eventuallyMs, () => server.asked.length === 4);
  expect(indexesAsked()).toEqual(['0', '5', '5', '9']);
  expect(news).toEqual([true, false, true]);
  expect(server.asked[0]).toBe('/v1/health/service/pg?cached&index=0&wait=1ms');
});

test('an answer without a change before its time: what was restored may count from a lower index', async () => {
  indexes('5', '5', '5');
  watch();
  await waitFor('four questions', eventuallyMs, () => server.asked.length === 4);
  expect(indexesAsked()).toEqual(['0', '5', '0', '5']);
});

test('an index that goes backwards, is missing or is none begins anew', async () => {
  indexes('5', '3', undefined, 'x');
  watch();
  await waitFor('five questions', eventuallyMs, () => server.asked.length === 5);
  expect(indexesAsked()).toEqual(['0', '5', '0', '0', '0']);
});

test('an index that always advances is asked at most ten times a second', async () => {
  server.answer = (_, response) =>
    response.writeHead(200, { ...json, 'x-consul-index': String(server.asked.length) }).end('[]');
  watch();
  const startedMs = clock.nowMs();
  await waitFor('three questions', eventuallyMs, () => server.asked.length === 3);
  expect(clock.nowMs() - startedMs).toBeGreaterThanOrEqual(150);
});

test('after a failure it begins anew, and counts from one again after an answer', async () => {
  const turns = ['ok', 'no', 'no', 'what', 'ok', 'no'];
  server.answer = (_, response) => {
    const turn = turns[server.asked.length - 1];
    if (turn === 'ok') response.writeHead(200, { ...json, 'x-consul-index': '5' }).end('[]');
    else if (turn === 'no') response.writeHead(500).end('No cluster leader');
    else if (turn === 'what') response.writeHead(200, json).end('{}');
  };
  const { failures } = watch();
  await waitFor('seven questions', eventuallyMs, () => server.asked.length === 7);
  expect(indexesAsked()).toEqual(['0', '5', '0', '0', '0', '5', '0']);
  expect(failures.map(({ kind }) => kind)).toEqual(['failed', 'failed', 'garbage', 'failed']);
});

test('asked anew: the question under way is given up, and nothing has failed', async () => {
  indexes('5');
  const { running, failures } = watch();
  await waitFor('a question that is held', eventuallyMs, () => server.asked.length === 2);
  running.askAnew();
  await waitFor('another', eventuallyMs, () => server.asked.length === 3);
  expect(indexesAsked()).toEqual(['0', '5', '0']);
  expect(failures).toEqual([]);
});

test('told that the failure is mended, it asks at once, and not a second time for it', async () => {
  server.answer = (_, response) => response.writeHead(403).end('Permission denied');
  const { running, failures } = watch(undefined, { retry: { baseMs: 60_000, maxMs: 60_000 } });
  await waitFor('a failure', eventuallyMs, () => failures.length === 1);
  running.retryNow();
  running.retryNow();
  await waitFor('another', eventuallyMs, () => failures.length === 2);
  expect(server.asked).toHaveLength(2);
});

test('what a listener throws is not a failure of Consul: it ends the watch', async () => {
  indexes('5', '6');
  const mistake = new TypeError('a mistake of ours');
  const { ended, failures } = watch(() => {
    throw mistake;
  });
  await expect(ended).rejects.toBe(mistake);
  expect(failures).toEqual([]);
});

test('its signal ends it, while it waits for an answer or between two attempts', async () => {
  server.answer = () => {};
  const first = watch();
  await waitFor('a question', eventuallyMs, () => server.asked.length === 1);
  stop.abort(new Error('enough'));
  await first.ended;
  stop = new AbortController();
  await server.stop();
  const second = watch();
  await waitFor('a failure', eventuallyMs, () => second.failures.length > 0);
  stop.abort(new Error('enough'));
  await second.ended;
});
