import { afterEach, expect, test, vi } from 'vitest';
import { Pool } from '../../../../../sidecar/index.js';

/** Port 1 refuses: what is counted are pools that were used, not pools that work. */
const made: Pool[] = [];
async function used(service: number): Promise<Pool> {
  const hosts = [{ host: `127.0.0.${service}`, port: 1 }];
  const pool = new Pool({ hotspare: { hosts, connectDeadlineMs: 1 } });
  made.push(pool);
  await pool.query('SELECT 1').catch(() => {});
  return pool;
}

afterEach(async () => {
  await Promise.all(made.splice(0).map((pool) => (pool.ending ? undefined : pool.end())));
});

function warnings(): string[] {
  const said: string[] = [];
  vi.spyOn(process, 'emitWarning').mockImplementation(((text: string, options: { code: string }) => {
    if (options.code === 'HOTSPARE_POOLS') said.push(text);
  }) as never);
  return said;
}

test('the third pool of a service that is used is warned of: what, where, what to do; once', async () => {
  const said = warnings();
  for (let reload = 0; reload < 3; reload++) {
    expect(said).toEqual([]);
    await used(2);
  }
  await used(2);
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(/3 pools of 127\.0\.0\.2:1 that were used and not ended/);
  expect(said[0]).toMatch(/made at [^ ]*crowd\.test\.ts:\d+:\d+ \(3 times\)\./);
  expect(said[0]).toMatch(/globalThis\.pool \?\?= new Pool.*end\(\) the old one/);
});

test('pools that have ended, were never used, or belong to another service do not count', async () => {
  const said = warnings();
  for (let turn = 0; turn < 4; turn++) await (await used(3)).end();
  for (let turn = 0; turn < 4; turn++)
    made.push(new Pool({ hotspare: { hosts: [{ host: '127.0.0.3', port: 1 }] } }));
  await Promise.all([used(4), used(4), used(5), used(5)]);
  expect(said).toEqual([]);
});
