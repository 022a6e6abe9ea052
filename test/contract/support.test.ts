import { afterAll, expect, test } from 'vitest';
import { startConsul } from '../support/consul.js';
import { startPostgresPair } from '../support/postgres.js';

const cleanUp: (() => Promise<void>)[] = [];
afterAll(() => Promise.all(cleanUp.map((end) => end())));

test('the Postgres pair streams and the standby can be promoted', async () => {
  const pair = await startPostgresPair();
  cleanUp.push(() => pair.destroy());
  await pair.primary.query('CREATE TABLE seen (n int)');
  await pair.caughtUp();
  expect(await pair.standby.query('SELECT count(*)::int FROM seen')).toEqual([[0]]);
  pair.primary.kill();
  await pair.standby.promote();
  expect(await pair.standby.query('SELECT pg_is_in_recovery()')).toEqual([[false]]);
});

test('Consul with access control answers again after a stop', async () => {
  const consul = await startConsul({ acl: true });
  cleanUp.push(() => consul.destroy());
  expect(consul.managementToken).toMatch(/^[0-9a-f-]{36}$/);
  await consul.stop();
  await consul.start();
  const response = await fetch(`${consul.httpUrl}/v1/agent/self`);
  expect(response.status).toBe(403);
});
