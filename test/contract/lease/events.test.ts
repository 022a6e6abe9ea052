import { describe, expect, test } from 'vitest';
import { maxEvents } from '../../../agent/consul/lease/events.js';
import type { EventsPort } from '../../../agent/lease-port.js';
import type { FailoverEvent } from '../../../common/failover/shapes.js';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';
import { subjectPerFile, subjects } from './subjects.js';

const event = (epoch: number, member = 'pg1') =>
  ({ kind: 'promoted', member, epoch, rule: 'L3', cause: `the ${epoch}th` }) as const;

const written = (events: EventsPort) => events.flushed(AbortSignal.timeout(eventuallyMs));

async function listed(events: EventsPort) {
  const answer = await events.list();
  if (answer.kind !== 'answered') throw new Error(answer.why);
  return answer;
}

function follow(events: EventsPort) {
  const stop = new AbortController();
  const told: FailoverEvent[] = [];
  let outages = 0;
  const ended = events.follow(
    { onEvents: (fresh) => told.push(...fresh), onUnavailable: () => outages++ },
    stop.signal,
  );
  return { told, outages: () => outages, end: () => (stop.abort(), ended) };
}

describe.each(Object.entries(subjects))('%s: the history', (_, make) => {
  const subject = subjectPerFile(make);

  test('of two members, in the order in which they were written; what is not an event is said', async () => {
    const [one, two] = [(await subject().agent('pg1')).events, (await subject().agent('pg2')).events];
    expect(await listed(one)).toEqual({ kind: 'answered', events: [], unreadable: [] });
    const appended: FailoverEvent[] = [];
    for (const epoch of [1, 2, 3, 4, 5, 6]) {
      const by = epoch % 2 === 1 ? one : two;
      appended.push(by.append(event(epoch, epoch % 2 === 1 ? 'pg1' : 'pg2')));
      await written(by);
      // Of two members, what falls into one millisecond may stand either way.
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await subject().put('events/zzz', 'hello');
    const there = await listed(two);
    expect(there.events).toEqual(appended);
    expect(there.unreadable).toEqual([
      { key: `hotspare/${subject().service}/events/zzz`, why: 'event: not JSON' },
    ]);
    expect(new Set(appended.map(({ id }) => id)).size).toBe(6);
  });

  test('long and wild texts are cut to what can be kept', async () => {
    const { events } = await subject().agent('pg1');
    const { cause, evidence } = events.append({
      ...event(1),
      cause: `a\nb\tc ${'x'.repeat(9_000)}`,
      evidence: 'ü\u0000"',
    });
    await written(events);
    expect(cause).toMatch(/^a b c x+$/);
    expect((await listed(events)).events).toMatchObject([{ cause, evidence }]);
    expect(evidence).toBe('ü "');
  });

  test('no more are kept than the cap, the newest ones', async () => {
    const { events } = await subject().agent('pg1');
    const earlier = Array.from({ length: maxEvents - 5 }, (_, epoch) => events.append(event(epoch)));
    await written(events);
    expect((await listed(events)).events).toEqual(earlier);
    const later = Array.from({ length: 12 }, (_, epoch) => events.append(event(1_000 + epoch)));
    await written(events);
    expect((await listed(events)).events).toEqual([...earlier, ...later].slice(-maxEvents));
  });

  test('while Consul is away they wait; then they are written in order, and whoever follows hears each once', async () => {
    const { events } = await subject().agent('pg1');
    const follower = follow((await subject().agent('pg2')).events);
    const before = events.append(event(1));
    await waitFor('the first', eventuallyMs, () => follower.told.length === 1);
    await subject().stop();
    await waitFor('the outage', eventuallyMs, () => follower.outages() === 1);
    const meanwhile = [2, 3, 4].map((epoch) => events.append(event(epoch)));
    expect(events.pending).toBe(3);
    await events.flushed(AbortSignal.timeout(50));
    expect(events.pending).toBe(3);
    await subject().start();
    await written(events);
    expect(events.pending).toBe(0);
    expect((await listed(events)).events).toEqual([before, ...meanwhile]);
    await waitFor('all of them', eventuallyMs, () => follower.told.length === 4);
    expect(follower.told).toEqual([before, ...meanwhile]);
    await follower.end();
  });
});
