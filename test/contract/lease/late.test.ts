import { describe, expect, test } from 'vitest';
import type { Transaction } from '../../../common/failover/transaction.js';
import { isSettled } from '../../../common/failover/transaction.js';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';
import { applied, firstHolder, opened, policy, recordOf, rejoin, seen } from './builders.js';
import { subjectPerFile, subjects } from './subjects.js';

/** R1: a write without an answer is applied at any later time, or never. */
describe.each(Object.entries(subjects))('%s: writes without an answer', (_, make) => {
  const subject = subjectPerFile(make);

  test('one that is late counts once it arrives, and a read before that shows nothing of it', async () => {
    const { lease } = await subject().agent('pg1');
    const { by, was } = await firstHolder(lease, 'pg1');
    const open: Transaction = { kind: 'record', was, by, record: recordOf(1, 'pg1', 'pg2') };
    const { result, arrive } = await subject().late('pg1', async (hasty) => hasty.lease.write(open));
    expect(result).toMatchObject({
      kind: 'unconfirmed',
      why: expect.stringContaining('no answer') as string,
    });
    await arrive();
    const after = await waitFor('the late write', eventuallyMs, async () => {
      const now = await seen(lease);
      return isSettled(open, now) ? now : undefined;
    });
    expect(after.record).toMatchObject({ kind: 'value', value: recordOf(1, 'pg1', 'pg2') });
    expect(after.leader).toEqual(was.leader);
  });

  test('a write behind it settles it: what it finds stays so, however late the first one comes', async () => {
    const { lease } = await subject().agent('pg1');
    const { by, was } = await firstHolder(lease, 'pg1');
    const wider = recordOf(1, 'pg1', 'pg2');
    const open: Transaction = { kind: 'record', was, by, record: wider };
    const { result, arrive } = await subject().late('pg1', async ({ lease: hasty }) => [
      await hasty.write(open),
      // The same value once more, and still the index moves.
      await hasty.write({ kind: 'confirm', was, by }),
      await hasty.write(open),
    ]);
    expect(result.map(({ kind }) => kind)).toEqual(Array(3).fill('unconfirmed'));
    await arrive();
    const settled = await waitFor('a write that is applied', eventuallyMs, async () => {
      const written = await lease.write({ kind: 'confirm', was: await seen(lease), by });
      return written.kind === 'applied' ? written.snapshot : undefined;
    });
    expect(isSettled(open, settled)).toBe(true);
    expect(settled.leader.index).toBeGreaterThan(was.leader.index);
    // Sent as it was, it is refused now, whichever of the three was first.
    expect(await lease.write(open)).toMatchObject({
      kind: 'conflict',
      conflicts: expect.arrayContaining([
        { key: 'leader', cause: 'changed', why: expect.any(String) as string },
      ]) as unknown[],
    });
    expect(await seen(lease)).toEqual(settled);
  });

  test('one that was overtaken is never applied', async () => {
    const { lease } = await subject().agent('pg1');
    const { by, was } = await firstHolder(lease, 'pg1');
    const confirmed = applied(await lease.write({ kind: 'confirm', was, by }));
    expect(confirmed).toMatchObject({ holder: by.session, leader: { value: { member: 'pg1', epoch: 1 } } });
    expect({ ...confirmed, leader: 0 }).toEqual({ ...was, leader: 0 });
    // It was sent before that, and is carried out after it.
    const { result, arrive } = await subject().late('pg1', async ({ lease: hasty }) =>
      hasty.write({ kind: 'record', was, by, record: recordOf(1, 'pg1', 'pg2') }),
    );
    expect(result.kind).toBe('unconfirmed');
    await arrive();
    const again = applied(await lease.write({ kind: 'confirm', was: confirmed, by }));
    expect(again.record).toEqual(was.record);
  });

  test('an answer that is lost: it counted, and the same again is refused', async () => {
    const { lease } = await subject().agent('pg1');
    const { by, was } = await firstHolder(lease, 'pg1');
    const open: Transaction = { kind: 'promoted', was, by, record: recordOf(2, 'pg1'), isOrderDone: false };
    const written = await subject().unheard('pg1', async ({ lease: hasty }) => hasty.write(open));
    expect(written.kind).toBe('unconfirmed');
    const after = await waitFor('the write that counted', eventuallyMs, async () => {
      const now = await seen(lease);
      return isSettled(open, now) ? now : undefined;
    });
    expect(after).toMatchObject({ epoch: { value: 2 }, leader: { value: { epoch: 2 } } });
    expect(await lease.write(open)).toMatchObject({ kind: 'conflict' });
    expect(applied(await lease.write({ kind: 'confirm', was: after, by })).record).toEqual(after.record);
  });

  test('a candidate that gives up ends its session: its late lock takes nothing', async () => {
    const [one, two] = [await subject().agent('pg1'), await subject().agent('pg2')];
    const session = await opened(one.lease);
    const was = await seen(one.lease);
    const by = { member: 'pg1', session };
    expect(await two.lease.destroySession(session)).toEqual({ kind: 'done' });
    const { result, arrive } = await subject().late('pg1', async ({ lease }) =>
      lease.write({ kind: 'acquire', was, by, first: recordOf(1, 'pg1') }),
    );
    expect(result.kind).toBe('unconfirmed');
    await arrive();
    const { was: taken } = await firstHolder(two.lease, 'pg2');
    expect(taken).toMatchObject({
      leader: { value: { member: 'pg2' } },
      record: { value: recordOf(1, 'pg2') },
    });
  });

  test('an order that comes late does not stand a second time', async () => {
    const { lease } = await subject().agent('pg1');
    const was = await seen(lease);
    const placed = applied(await lease.write({ kind: 'placeOrder', was, order: rejoin('a') }));
    const removed = applied(await lease.write({ kind: 'removeOrder', was: placed }));
    const { result, arrive } = await subject().late('pg1', async ({ lease: hasty }) =>
      hasty.write({ kind: 'placeOrder', was, order: rejoin('a') }),
    );
    expect(result.kind).toBe('unconfirmed');
    await arrive();
    // Nothing may follow, so something else that was sent later is waited for.
    applied(await lease.write({ kind: 'setPolicy', was: removed, policy }));
    expect((await seen(lease)).order).toEqual(removed.order);
  });

  test('a signal ends the waiting, not what was sent', async () => {
    const { lease } = await subject().agent('pg1');
    const was = await seen(lease);
    const stopped = AbortSignal.abort(new Error('enough'));
    expect(await lease.write({ kind: 'setPolicy', was, policy }, stopped)).toMatchObject({ kind: 'failed' });
    const { result, arrive } = await subject().late('pg1', async ({ lease: hasty }) =>
      hasty.write({ kind: 'setPolicy', was, policy }, AbortSignal.timeout(20)),
    );
    expect(result).toMatchObject({ kind: 'unconfirmed', why: expect.stringContaining('stopped') as string });
    await arrive();
    await waitFor('the policy', eventuallyMs, async () => (await seen(lease)).policy.kind === 'value');
  });

  test('a session whose making was not answered is found by the next call', async () => {
    const { lease } = await subject().agent('pg1');
    // The check is there, so that the session is what is not answered.
    await lease.destroySession(await opened(lease));
    const made = await subject().unheard('pg1', async ({ lease: hasty }) => hasty.openSession(undefined));
    expect(made.kind).not.toBe('open');
    const id = await opened(lease);
    expect(await lease.openSession(id)).toEqual({ kind: 'open', id, takenUp: true });
  });
});
