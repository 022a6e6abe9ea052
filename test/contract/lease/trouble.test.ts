import { describe, expect, test } from 'vitest';
import type { Unanswered } from '../../../agent/lease-port.js';
import type { Snapshot } from '../../../common/failover/snapshot.js';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';
import { applied, firstHolder, opened, policy, recordOf, seen } from './builders.js';
import { subjectPerFile, subjects, type Agent } from './subjects.js';

function watch({ lease }: Agent) {
  const stop = new AbortController();
  const snapshots: Snapshot[] = [];
  const outages: Unanswered[] = [];
  const ended = lease.watch(
    { onSnapshot: (snapshot) => snapshots.push(snapshot), onUnavailable: (why) => outages.push(why) },
    stop.signal,
  );
  return { snapshots, outages, end: () => (stop.abort(), ended) };
}

describe.each(Object.entries(subjects))('%s', (_, make) => {
  const subject = subjectPerFile(make);

  test('a watch tells each change, and nothing of events', async () => {
    const agent = await subject().agent('pg1');
    const watched = watch(agent);
    await waitFor('what is there', eventuallyMs, () => watched.snapshots.length === 1);
    expect(watched.snapshots[0]).toMatchObject({ leader: { kind: 'absent' }, holder: undefined });
    const { by, was } = await firstHolder(agent.lease, 'pg1');
    await waitFor('the holder', eventuallyMs, () => watched.snapshots.at(-1)?.holder === by.session);
    expect(watched.snapshots.at(-1)).toEqual(was);
    const before = watched.snapshots.length;
    agent.events.append({ kind: 'promoted', member: 'pg1', epoch: 1, rule: 'R6', cause: 'first' });
    await agent.events.flushed(AbortSignal.timeout(eventuallyMs));
    applied(await agent.lease.write({ kind: 'setPolicy', was, policy }));
    await waitFor('the policy', eventuallyMs, () => watched.snapshots.at(-1)?.policy.kind === 'value');
    await agent.lease.destroySession(by.session);
    await waitFor('the loss', eventuallyMs, () => watched.snapshots.at(-1)?.holder === undefined);
    expect(watched.snapshots.length).toBe(before + 2);
    expect(watched.outages).toEqual([]);
    await watched.end();
  });

  test('Consul stopped and started again: said once; nothing was lost; what was asked meanwhile failed for certain', async () => {
    const agent = await subject().agent('pg1');
    const { by, was } = await firstHolder(agent.lease, 'pg1');
    const watched = watch(agent);
    await waitFor('what is there', eventuallyMs, () => watched.snapshots.length === 1);
    await subject().stop();
    await waitFor('the outage', eventuallyMs, () => watched.outages.length > 0);
    const refused = { kind: 'failed', why: expect.stringContaining('connection refused') as string };
    // A connection that was kept open may break first.
    await waitFor(
      'a refusal',
      eventuallyMs,
      async () => (await agent.lease.write({ kind: 'confirm', was, by })).kind === 'failed',
    );
    expect(await agent.lease.write({ kind: 'confirm', was, by })).toMatchObject(refused);
    expect(await agent.lease.read()).toMatchObject(refused);
    expect(await agent.lease.openSession(by.session)).toMatchObject(refused);
    expect(await agent.lease.lookUpSession(by.session)).toMatchObject(refused);
    expect(await agent.lease.destroySession(by.session)).toMatchObject(refused);
    expect(await agent.lease.signOfLife()).toMatchObject(refused);
    await subject().start();
    await waitFor('what is there, after the outage', eventuallyMs, () => watched.snapshots.length === 2);
    expect(watched.outages).toHaveLength(1);
    expect(watched.snapshots[1]).toEqual(was);
    expect(await agent.lease.openSession(by.session)).toEqual({
      kind: 'open',
      id: by.session,
      takenUp: true,
    });
    expect(applied(await agent.lease.write({ kind: 'confirm', was, by })).holder).toBe(by.session);
    await watched.end();
  });

  test('an answer that got lost on its way: a watch that is told to ask anew does not wait for it', async () => {
    const { agent, during } = await subject().deaf('pg1');
    const watched = watch(agent);
    await waitFor('what is there', eventuallyMs, () => watched.snapshots.length === 1);
    const other = await subject().agent('pg2');
    await during(() => firstHolder(other.lease, 'pg2'));
    expect(watched.snapshots).toHaveLength(1);
    agent.lease.askAnew();
    // Much sooner than a question is given up.
    await waitFor('the holder', 8_000, () => watched.snapshots.at(-1)?.holder !== undefined);
    expect(watched.outages).toEqual([]);
    await watched.end();
  });

  test("Consul's data lost: all is absent, the session is gone, and the holder writes it again", async () => {
    const agent = await subject().agent('pg1');
    const { by, was } = await firstHolder(agent.lease, 'pg1');
    const promoted = applied(
      await agent.lease.write({ kind: 'promoted', was, by, record: recordOf(2, 'pg1'), isOrderDone: false }),
    );
    const watched = watch(agent);
    await waitFor('what is there', eventuallyMs, () => watched.snapshots.length === 1);
    await subject().lose();
    await waitFor('the loss', eventuallyMs, () => watched.snapshots.at(-1)?.leader.kind === 'absent');
    expect(await agent.lease.lookUpSession(by.session)).toEqual({ kind: 'answered', state: 'gone' });
    expect((await agent.lease.write({ kind: 'confirm', was: promoted, by })).kind).toBe('conflict');
    const empty = await seen(agent.lease);
    // What the box registered is registered again by others.
    await subject().agent('pg1');
    const session = await opened(agent.lease, by.session);
    expect(session).not.toBe(by.session);
    const anew = { member: 'pg1', session };
    const first = recordOf(2, 'pg1');
    const written = applied(await agent.lease.write({ kind: 'acquire', was: empty, by: anew, first }));
    expect(written).toMatchObject({ holder: session, epoch: { value: 2 }, record: { value: first } });
    await waitFor('it in the watch', eventuallyMs, () => watched.snapshots.at(-1)?.holder === session);
    await watched.end();
  });

  test('an older backup of Consul, from before there was a sign of life: a session can be opened again at once', async () => {
    const agent = await subject().agent('pg1');
    const restore = await subject().backup();
    const { by } = await firstHolder(agent.lease, 'pg1');
    const watched = watch(agent);
    await waitFor('the holder', eventuallyMs, () => watched.snapshots.at(-1)?.holder === by.session);
    await restore();
    await waitFor('what was before', eventuallyMs, () => watched.snapshots.at(-1)?.leader.kind === 'absent');
    const session = await opened(agent.lease, by.session);
    expect(session).not.toBe(by.session);
    const anew = { member: 'pg1', session };
    const was = await seen(agent.lease);
    const written = applied(
      await agent.lease.write({ kind: 'acquire', was, by: anew, first: recordOf(1, 'pg1') }),
    );
    expect(written.holder).toBe(session);
    await watched.end();
  });

  test('a token without rights is not an empty Consul', async () => {
    const { poor, rich } = await subject().poorAndRich('pg1');
    const refused = { kind: 'refused', why: expect.stringContaining('the token needs') as string };
    for (const consistent of [false, true])
      expect(await poor.lease.read({ consistent })).toMatchObject(refused);
    const watched = watch(poor);
    await waitFor('the refusal', eventuallyMs, () => watched.outages.length > 0);
    expect(watched.outages[0]).toMatchObject(refused);
    expect(watched.snapshots).toEqual([]);
    await watched.end();
    expect(await poor.lease.openSession(undefined)).toMatchObject(refused);
    expect(await poor.events.list()).toMatchObject(refused);
    const was = await seen(rich.lease);
    const by = { member: 'pg1', session: '00000000-0000-4000-8000-000000000001' };
    for (const transaction of [
      { kind: 'acquire', was, by, first: recordOf(1, 'pg1') },
      { kind: 'setPolicy', was, policy },
    ] as const)
      expect(await poor.lease.write(transaction)).toMatchObject(refused);
    expect(await seen(rich.lease)).toEqual(was);
  });

  test('no leader: nothing is written, for certain, and nothing is read', async () => {
    const agent = await subject().leaderless('pg1');
    const failed = { kind: 'failed', why: expect.stringContaining('No cluster leader') as string };
    expect(await agent.lease.read({ consistent: true })).toMatchObject(failed);
    const was = await seen((await subject().agent('pg1')).lease);
    expect(await agent.lease.write({ kind: 'setPolicy', was, policy })).toMatchObject(failed);
    const watched = watch(agent);
    await waitFor('the outage', eventuallyMs, () => watched.outages.length > 0);
    expect(watched.outages[0]).toMatchObject(failed);
    await watched.end();
  });
});
