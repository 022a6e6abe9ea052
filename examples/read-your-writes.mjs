// Two processes, as two web servers behind a balancer: one writes, the other reads on the replica right after it. Without
// a token it reads too early now and then; with the token that the writer gives along, never.
//
//   node examples/read-your-writes.mjs          600 writes, about fifteen seconds (--writes N)
//
// Meanwhile, in another terminal:
//   npx hotspare lab freeze pg@pg2, then thaw   a hung replica: reads go to the primary after 0.8 s at most
//   npx hotspare lab kill pg@pg1, then start    writes wait; what was written before is still seen
//
// It ends by itself, or with Ctrl-C (exit code 0; 1 if a read with a token came too early), and removes its table.
import './lab.cjs';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { HotspareError, Pool } from 'hotspare';
import { bold, coloured, dim, green, option, pause, red, say, sayNews, stopSignal } from './terminal.mjs';

const stop = stopSignal();
const pool = new Pool({
  connectionString: process.env.DATABASE_URL,
  application_name: 'example-read-your-writes',
});

if (process.send) await reader();
else await writer();

/** The other web server: knows only what comes with the request. */
async function reader() {
  const look = async (on, n) => {
    const sql = 'SELECT EXISTS (SELECT FROM hotspare_example_ryw.notes WHERE n = $1) AS there';
    return (await on.query(sql, [n])).rows[0].there;
  };
  process.on('message', async ({ n, token }) => {
    try {
      const plain = await look(pool.read, n);
      const startedMs = performance.now();
      const withToken = await look(pool.readAfter(token), n);
      process.send({ plain, withToken, mode: pool.mode, tookMs: performance.now() - startedMs });
    } catch (error) {
      process.send({ failed: error.message });
    }
  });
  process.once('disconnect', () => pool.end());
}

async function writer() {
  pool.on('mode', (mode, { reason }) => say(coloured(mode), bold(reason)));
  await persist(() =>
    pool.query(`DROP SCHEMA IF EXISTS hotspare_example_ryw CASCADE;
      CREATE SCHEMA hotspare_example_ryw;
      CREATE TABLE hotspare_example_ryw.notes (n int PRIMARY KEY)`),
  );

  const other = fork(process.argv[1]);
  const sum = { reads: 0, plain: 0, withToken: 0, readOnly: 0, failed: 0, slowestMs: 0 };
  const writes = option('writes', 600);
  for (let n = 1; n <= writes && !stop.aborted; n++) {
    const insert = 'INSERT INTO hotspare_example_ryw.notes VALUES ($1) ON CONFLICT DO NOTHING';
    if (!(await persist(() => pool.query(insert, [n])))) break;
    // For a browser this would be a cookie. Null when the primary was lost in this very moment; that is fine.
    const token = await pool.readToken();
    other.send({ n, token });
    const [answer] = await once(other, 'message');
    if (answer.failed) {
      sum.failed++;
      say(red('a read failed:'), answer.failed);
      continue;
    }
    sum.reads++;
    if (!answer.plain) sum.plain++;
    // A primary that is gone may have taken a write along that no replica has. The reader's mode says so, and it can.
    if (!answer.withToken && answer.mode === 'read-write') sum.withToken++;
    if (!answer.withToken && answer.mode !== 'read-write') sum.readOnly++;
    sum.slowestMs = Math.max(sum.slowestMs, answer.tookMs);
    if (n % 100 === 0) say(dim(`${n} writes`));
    await pause(15, stop);
  }
  other.disconnect();
  await once(other, 'exit');

  console.log(`
${sum.reads} writes, each read at once by another process${sum.failed ? `; ${sum.failed} reads failed` : ''}
without a token: ${sum.plain} not seen yet
with its token:  ${(sum.withToken ? red : green)(`${sum.withToken} not seen yet`)}, slowest read ${sum.slowestMs.toFixed(0)} ms${
    sum.readOnly ? `\n(and ${sum.readOnly} while there was no primary, of which the mode tells)` : ''
  }`);
  await pool.query('DROP SCHEMA IF EXISTS hotspare_example_ryw CASCADE').catch((error) => {
    console.log(`The table stays (${error.message}): node examples/clean.mjs`);
  });
  await pool.end();
  process.exitCode = sum.withToken ? 1 : 0;
}

/** Until it is done, or Ctrl-C. The statements here are harmless to repeat. */
async function persist(work) {
  while (!stop.aborted) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof HotspareError)) throw error;
      sayNews(`waiting: ${error.message}`);
      await pause(100, stop);
    }
  }
  return null;
}
