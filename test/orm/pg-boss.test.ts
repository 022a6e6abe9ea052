import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf } from '../../common/errors.js';
import { ReadOnlyError } from '../../sidecar/index.js';
import { startPostgresPair, type PostgresPair } from '../support/postgres.js';
import { waitFor } from '../support/wait.js';
import { connect } from './recipes/pg-boss.js';

/** A queue of jobs in the database, before, while and after the primary is lost. */
let pair: PostgresPair;
let queue: ReturnType<typeof connect>;
const errors: Error[] = [];

beforeAll(async () => {
  pair = await startPostgresPair();
  await pair.primary.query('GRANT CREATE ON DATABASE app TO app');
  const hosts = [pair.primary, pair.standby].map(({ host, port }) => ({ host, port }));
  queue = connect({ user: 'app', password: 'app', database: 'app', hotspare: { hosts } }, (error) =>
    errors.push(error),
  );
  await queue.boss.start();
});
afterAll(async () => {
  await queue?.close();
  await pair?.destroy();
});

test('jobs are sent and done, and again after the primary was lost; meanwhile sending is refused', async () => {
  const { boss, pool } = queue;
  const done: unknown[] = [];
  await boss.createQueue('letters');
  await boss.work<{ n: number }>('letters', { pollingIntervalSeconds: 0.5 }, async ([job]) => {
    done.push(job!.data.n);
  });
  await boss.send('letters', { n: 1 });
  await waitFor('the first job', 20_000, () => done.includes(1));

  pair.primary.kill();
  await pool.waitForMode('read-only', 20_000);
  await expect(boss.send('letters', { n: 2 })).rejects.toBeInstanceOf(ReadOnlyError);

  await pair.primary.start();
  await pool.waitForMode('read-write', 20_000);
  expect(await boss.send('letters', { n: 3 })).toEqual(expect.any(String));
  await waitFor('the job after it', 20_000, () => done.includes(3));
  expect(done).toEqual([1, 3]);
  // Refused, or cut off.
  expect(errors.filter((error) => !/^(25006|0800[67])$/.test(codeOf(error) ?? ''))).toEqual([]);
});
