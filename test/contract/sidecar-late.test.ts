import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sleep } from '../../common/clock.js';
import { systemClock } from '../../common/runtime/clock.js';
import { Pool } from '../../sidecar/index.js';
import { bundleLibrary } from '../support/built/bundled-library.js';
import { Child } from '../support/child.js';
import { eventuallyMs } from '../support/patience.js';
import { startPostgresPair, type PostgresPair } from '../support/postgres.js';
import { waitFor } from '../support/wait.js';

/** A process that did not run itself for a while, with the default timings: nobody else is to blame for that. */
let pair: PostgresPair;
const folder = mkdtempSync(join(tmpdir(), 'hotspare-late-'));
beforeAll(async () => {
  pair = await startPostgresPair();
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  await bundleLibrary(join(folder, 'hotspare.cjs'));
});
afterAll(async () => {
  await pair?.destroy();
  rmSync(folder, { recursive: true, force: true });
});

const config = () => ({
  user: 'app',
  password: 'app',
  database: 'app',
  // Each query is a log-in: there is always one on its way.
  maxUses: 1,
  hotspare: { hosts: [pair.primary, pair.standby].map(({ host, port }) => ({ host, port })) },
});

function blockTheLoop(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

test('the loop blocked for 3 s: queries on their way are answered, and the mode stays', async () => {
  const pool = new Pool(config());
  const heard: string[] = [];
  const first = pool.query('SELECT 1 AS one');
  // Somewhere in the first proof and its log-ins, and then a few times with everything proven.
  blockTheLoop(3_000);
  expect((await first).rows).toEqual([{ one: 1 }]);
  await waitFor('both members', eventuallyMs, () => pool.topology.replicas.length === 1);
  pool.on('mode', (mode) => heard.push(mode));
  for (const afterMs of [0, 1, 2, 4]) {
    const several = [1, 2, 3, 4, 5].map(() =>
      Promise.all([pool.query('SELECT 1'), pool.read.query('SELECT 1')]),
    );
    await sleep(systemClock, afterMs);
    blockTheLoop(3_000);
    await Promise.all(several);
  }
  expect(heard).toEqual([]);
  await pool.end();
});

test('the process stopped for 10 s and continued: the same', async () => {
  const file = join(folder, 'app.cjs');
  writeFileSync(
    file,
    `const { Pool } = require('./hotspare.cjs');
    const pool = new Pool(${JSON.stringify(config())});
    const started = Date.now();
    let [answered, before] = [0, started];
    const work = async (queryable) => {
      for (;;) {
        try {
          await queryable.query('SELECT 1');
          if (++answered === 20) {
            console.log('STARTED');
            pool.on('mode', (mode, { reason }) => console.log('MODE', mode, reason));
          }
        } catch (error) {
          console.log('FAILED', error.message);
        }
      }
    };
    for (let n = 0; n < 5; n++) { work(pool); work(pool.read); }
    setInterval(() => {
      if (Date.now() - before > 8000) setTimeout(() => { console.log('DONE', answered); process.exit(); }, 3000);
      before = Date.now();
    }, 20);`,
  );
  const child = Child.start(process.execPath, [file], join(folder, 'log'));
  await waitFor('the app to run', eventuallyMs, () => child.log().includes('STARTED'));
  child.signal('SIGSTOP');
  await sleep(systemClock, 10_000);
  child.signal('SIGCONT');
  await child.ended();
  expect(
    child
      .log()
      .replace(/DONE \d+/, 'DONE')
      .trim()
      .split('\n'),
  ).toEqual(['STARTED', 'DONE']);
});
