import { describe, expect, test } from 'vitest';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';
import { applied, firstHolder, opened, policy, recordOf, rejoin, seen } from './builders.js';
import { subjectPerFile, subjects } from './subjects.js';

describe.each(Object.entries(subjects))('%s', (_, make) => {
  const subject = subjectPerFile(make);

  test('where there is nothing, all is absent; the first member makes leader, epoch and record at once', async () => {
    const { lease } = await subject().agent('pg1');
    const absent = { kind: 'absent', index: 0 };
    expect(await seen(lease)).toEqual({
      leader: absent,
      holder: undefined,
      epoch: absent,
      record: absent,
      policy: absent,
      order: absent,
    });
    const { by, was } = await firstHolder(lease, 'pg1');
    expect(was).toMatchObject({
      leader: { kind: 'value', value: { member: 'pg1', epoch: 1 } },
      holder: by.session,
      epoch: { kind: 'value', value: 1 },
      record: { kind: 'value', value: recordOf(1, 'pg1') },
    });
    expect(await seen(lease)).toEqual(was);
  });

  test('of two that contend one has it; the other takes it the moment the session ends', async () => {
    const [one, two] = [await subject().agent('pg1'), await subject().agent('pg2')];
    const free = await seen(two.lease);
    const holder = await firstHolder(one.lease, 'pg1');
    const by = { member: 'pg2', session: await opened(two.lease) };
    expect(await two.lease.write({ kind: 'acquire', was: free, by })).toMatchObject({
      kind: 'conflict',
      conflicts: [
        { key: 'leader', cause: 'changed' },
        { key: 'leader', cause: 'held' },
      ],
    });
    const held = await seen(two.lease);
    expect(await two.lease.write({ kind: 'acquire', was: held, by })).toMatchObject({
      kind: 'conflict',
      conflicts: [{ key: 'leader', cause: 'held' }],
    });
    expect(await two.lease.destroySession(holder.by.session)).toEqual({ kind: 'done' });
    const lost = await seen(two.lease);
    expect(lost).toMatchObject({ holder: undefined, leader: { kind: 'value', value: { member: 'pg1' } } });
    // No lock delay: at once.
    const taken = applied(await two.lease.write({ kind: 'acquire', was: lost, by }));
    expect(taken).toMatchObject({ holder: by.session, leader: { value: { member: 'pg2', epoch: 1 } } });

    // Whatever the old one does, it is too late.
    const record = recordOf(1, 'pg1', 'pg2');
    expect(await one.lease.write({ kind: 'record', was: holder.was, by: holder.by, record })).toMatchObject({
      kind: 'conflict',
      conflicts: [
        { key: 'leader', cause: 'not-held' },
        { key: 'leader', cause: 'changed' },
      ],
    });
    expect(await one.lease.write({ kind: 'acquire', was: taken, by: holder.by })).toMatchObject({
      kind: 'conflict',
      conflicts: [{ key: 'leader', cause: 'session-gone' }],
    });
    expect(await one.lease.lookUpSession(holder.by.session)).toEqual({ kind: 'answered', state: 'gone' });
    expect(await one.lease.destroySession(holder.by.session)).toEqual({ kind: 'done' });
    expect(await seen(one.lease)).toEqual(taken);
  });

  test('an agent that starts anew takes up its session: the remembered one, or the one it can find', async () => {
    const { lease } = await subject().agent('pg1');
    const { by, was } = await firstHolder(lease, 'pg1');
    const again = (await subject().agent('pg1')).lease;
    const takenUp = { kind: 'open', id: by.session, takenUp: true };
    expect(await again.openSession(by.session)).toEqual(takenUp);
    expect(await again.openSession(undefined)).toEqual(takenUp);
    expect(await again.openSession('nonsense')).toEqual(takenUp);
    expect(await seen(again)).toEqual(was);
    expect(await again.lookUpSession(by.session)).toEqual({ kind: 'answered', state: 'valid' });
    // That of another member is not its own.
    const other = (await subject().agent('pg2')).lease;
    expect(await other.openSession(by.session)).toMatchObject({ kind: 'open', takenUp: false });
    // It takes the lease anew, and nobody had it in between.
    const anew = applied(await again.write({ kind: 'acquire', was, by }));
    expect(anew.leader.index).toBeGreaterThan(was.leader.index);
    expect(anew.record).toEqual(was.record);
  });

  test('no sign of life: the lease is free; the next one opens another session', async () => {
    const { lease } = await subject().agent('pg1', { aliveTtlMs: 1_000 });
    const { by } = await firstHolder(lease, 'pg1');
    await waitFor('the end of the session', eventuallyMs, async () => {
      return (await seen(lease)).holder === undefined;
    });
    expect(await lease.lookUpSession(by.session)).toEqual({ kind: 'answered', state: 'gone' });
    const next = await lease.openSession(by.session);
    expect(next).toMatchObject({ kind: 'open', takenUp: false });
    const was = await seen(lease);
    const anew = { member: 'pg1', session: next.kind === 'open' ? next.id : '' };
    expect(applied(await lease.write({ kind: 'acquire', was, by: anew }))).toMatchObject({
      holder: anew.session,
      epoch: { value: 1 },
    });
  });

  test('signs of life keep the session; without a check there is not one to give', async () => {
    const { lease } = await subject().agent('pg1', { aliveTtlMs: 1_500 });
    expect(await lease.signOfLife()).toEqual({ kind: 'missing' });
    const session = await opened(lease);
    const untilMs = performance.now() + 3_000;
    while (performance.now() < untilMs) {
      expect(await lease.signOfLife()).toEqual({ kind: 'done' });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(await lease.lookUpSession(session)).toEqual({ kind: 'answered', state: 'valid' });
  });

  test('a promotion: epoch, record, leader and the end of the order in one; an epoch only goes up', async () => {
    const { lease } = await subject().agent('pg1');
    const { by, was: first } = await firstHolder(lease, 'pg1');
    const was = applied(await lease.write({ kind: 'placeOrder', was: first, order: rejoin('a') }));
    for (const epoch of [0, 1])
      expect(
        await lease.write({ kind: 'promoted', was, by, record: recordOf(epoch, 'pg1'), isOrderDone: false }),
      ).toMatchObject({ kind: 'conflict', conflicts: [{ key: 'epoch', cause: 'epoch' }] });
    expect(await lease.write({ kind: 'record', was, by, record: recordOf(2, 'pg1') })).toMatchObject({
      kind: 'conflict',
      conflicts: [{ key: 'epoch', cause: 'epoch' }],
    });
    expect(await seen(lease)).toEqual(was);
    const record = recordOf(2, 'pg1');
    const after = applied(await lease.write({ kind: 'promoted', was, by, record, isOrderDone: true }));
    expect(after).toMatchObject({
      leader: { value: { member: 'pg1', epoch: 2 } },
      holder: by.session,
      epoch: { value: 2 },
      record: { value: record },
      order: { kind: 'absent' },
    });
    // Built on what is not so any more: nothing of it.
    const stale = await lease.write({
      kind: 'promoted',
      was,
      by,
      record: recordOf(3, 'pg1'),
      isOrderDone: false,
    });
    expect(stale).toMatchObject({
      kind: 'conflict',
      conflicts: ['leader', 'epoch', 'record'].map((key) => ({ key, cause: 'changed' })),
    });
    expect(await seen(lease)).toEqual(after);
    const wider = recordOf(2, 'pg1', 'pg2');
    const added = applied(await lease.write({ kind: 'record', was: after, by, record: wider }));
    expect(added).toEqual({ ...after, record: { kind: 'value', value: wider, index: added.record.index } });
    expect(added.record.index).toBeGreaterThan(after.record.index);
  });

  test('a release says how far it wrote, changes the order with it, and leaves the lease to the next', async () => {
    const [one, two] = [await subject().agent('pg1'), await subject().agent('pg2')];
    const { by, was: first } = await firstHolder(one.lease, 'pg1');
    const order = { kind: 'switchover', id: 's', from: 'pg1', to: 'pg2', handedOver: false } as const;
    const was = applied(await two.lease.write({ kind: 'placeOrder', was: first, order }));
    const released = { fenced: true, position: '1/0/5000148' };
    const handedOver = { ...order, handedOver: true };
    const after = applied(await one.lease.write({ kind: 'release', was, by, released, order: handedOver }));
    expect(after).toMatchObject({
      leader: { value: { member: 'pg1', epoch: 1, released } },
      holder: undefined,
      order: { value: handedOver },
    });
    expect(await one.lease.write({ kind: 'release', was: after, by, released })).toMatchObject({
      kind: 'conflict',
      conflicts: [{ cause: 'not-held' }, { cause: 'not-held' }],
    });
    const next = { member: 'pg2', session: await opened(two.lease) };
    const taken = applied(await two.lease.write({ kind: 'acquire', was: after, by: next }));
    expect(taken.leader).toMatchObject({ kind: 'value', value: { member: 'pg2', epoch: 1 } });
    expect((taken.leader as { value: object }).value).not.toHaveProperty('released');
    expect(await one.lease.lookUpSession(by.session)).toEqual({ kind: 'answered', state: 'valid' });
  });

  test('an order: one at a time; a policy: by whoever saw the last one', async () => {
    const [one, two] = [await subject().agent('pg1'), await subject().agent('pg2')];
    const was = await seen(one.lease);
    const placed = applied(await one.lease.write({ kind: 'placeOrder', was, order: rejoin('a') }));
    expect(placed.order).toMatchObject({ kind: 'value', value: rejoin('a') });
    expect(await two.lease.write({ kind: 'placeOrder', was, order: rejoin('b') })).toMatchObject({
      kind: 'conflict',
      conflicts: [{ key: 'order', cause: 'changed' }],
    });
    expect(await two.lease.write({ kind: 'placeOrder', was: placed, order: rejoin('b') })).toMatchObject({
      kind: 'conflict',
      conflicts: [{ key: 'order', cause: 'stands' }],
    });
    const removed = applied(await two.lease.write({ kind: 'removeOrder', was: placed }));
    expect(removed.order).toEqual({ kind: 'absent', index: removed.order.index });
    const second = applied(await two.lease.write({ kind: 'placeOrder', was: removed, order: rejoin('b') }));
    expect(second.order).toMatchObject({ value: rejoin('b') });

    const set = applied(await one.lease.write({ kind: 'setPolicy', was: second, policy }));
    expect(set.policy).toMatchObject({ kind: 'value', value: policy });
    const paused = { ...policy, paused: true };
    expect(await two.lease.write({ kind: 'setPolicy', was: second, policy: paused })).toMatchObject({
      kind: 'conflict',
      conflicts: [{ key: 'policy', cause: 'changed' }],
    });
    expect(applied(await two.lease.write({ kind: 'setPolicy', was: set, policy: paused }))).toMatchObject({
      policy: { value: paused },
    });
  });

  test('what somebody else wrote is not empty, and is not written over unless an operator says so', async () => {
    const { lease } = await subject().agent('pg1');
    const { by } = await firstHolder(lease, 'pg1');
    await subject().put('epoch', 'seven');
    await subject().put('record', '{"epoch":1,"quorum":2}');
    await subject().put('policy', '');
    await subject().put('order', '{"kind":"dance","id":"x"}');
    const was = await seen(lease);
    expect(was).toMatchObject({
      holder: by.session,
      epoch: { kind: 'unreadable', why: 'epoch: not JSON' },
      record: { kind: 'unreadable', why: expect.stringContaining('record.quorum: no such key') as string },
      policy: { kind: 'unreadable' },
      order: {
        kind: 'unreadable',
        why: 'order.kind: expected one of switchover, promote, rejoin',
      },
    });
    const promoted = { kind: 'promoted', was, by, record: recordOf(2, 'pg1'), isOrderDone: true } as const;
    expect(await lease.write(promoted)).toMatchObject({
      kind: 'conflict',
      conflicts: [{ key: 'epoch', cause: 'epoch' }],
    });
    expect(await lease.write({ kind: 'placeOrder', was, order: rejoin('a') })).toMatchObject({
      kind: 'conflict',
      conflicts: [{ key: 'order', cause: 'stands' }],
    });
    const mended = applied(await lease.write({ ...promoted, isRecordLost: true }));
    expect(mended).toMatchObject({ epoch: { value: 2 }, order: { kind: 'absent' } });
    expect(applied(await lease.write({ kind: 'setPolicy', was: mended, policy })).policy.kind).toBe('value');
  });
});
