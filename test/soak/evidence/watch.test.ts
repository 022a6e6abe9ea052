import { expect, test } from 'vitest';
import { DownError, OutcomeUnknownError, ReadOnlyError } from '../../../sidecar/index.js';
import { Watch } from './watch.js';

const asItIs = (error: unknown) => error;

test('counts how operations end', async () => {
  const watch = new Watch(60_000);
  expect(await watch.run('a', asItIs, async () => 7)).toEqual({ outcome: 'done', value: 7 });
  for (const [error, outcome] of [
    [new ReadOnlyError('r'), 'read-only'],
    [new DownError('d'), 'down'],
    [new OutcomeUnknownError('u'), 'unknown'],
    [Object.assign(new Error('server closed the connection'), { code: '08006' }), 'lost'],
  ] as const)
    expect(await watch.run('b', asItIs, () => Promise.reject(error))).toEqual({ outcome });
  expect(watch.seen).toMatchObject({
    operations: 5,
    outcomes: { done: 1, 'read-only': 1, lost: 1, unknown: 1, down: 1 },
    hangs: 0,
    wrong: 0,
    complaints: [],
  });
});

test('an error that is not promised is wrong, and what it was stands in the report', async () => {
  const watch = new Watch(60_000);
  const error = new Error('terminating connection', {
    cause: Object.assign(new Error('why'), { code: '57P01' }),
  });
  expect(await watch.run('Knex find', asItIs, () => Promise.reject(error))).toEqual({ outcome: 'unknown' });
  expect(watch.seen).toMatchObject({
    wrong: 1,
    complaints: ['Knex find: Error: terminating connection (because: Error 57P01: why)'],
  });
});

test('what does not end in time hangs, and is not waited for', async () => {
  const watch = new Watch(1);
  expect(await watch.run('Kysely insert', asItIs, () => new Promise(() => {}))).toEqual({
    outcome: 'unknown',
  });
  expect(watch.seen).toMatchObject({ hangs: 1, complaints: ['Kysely insert: no answer within 1 ms'] });
});
