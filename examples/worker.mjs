// A queue of jobs in Postgres, one producer and two workers. The primary may go at any moment: no job is lost, and none
// is done twice.
//
//   node examples/worker.mjs                    300 jobs, about fifteen seconds (--jobs N)
//
// Meanwhile, in another terminal:
//   npx hotspare lab kill pg@pg1                all wait; what was cut off is counted as "nobody knows"
//   npx hotspare lab start pg@pg1               they go on; at the end: lost 0, done twice 0
//   npx hotspare lab freeze pg@pg1, then thaw   the same with a primary that hangs
//
// It ends by itself, or with Ctrl-C (exit code 0; 1 if a job was lost or done twice), and removes its tables.
import './lab.cjs';
import { randomUUID } from 'node:crypto';
import { HotspareError, OutcomeUnknownError, Pool } from 'hotspare';
import {
  bold,
  coloured,
  dim,
  green,
  option,
  pause,
  red,
  say,
  sayNews,
  stopSignal,
  yellow,
} from './terminal.mjs';

const stop = stopSignal();
const jobs = option('jobs', 300);
const pool = new Pool({ connectionString: process.env.DATABASE_URL, application_name: 'example-worker' });
pool.on('mode', (mode, { reason }) => say(coloured(mode), bold(reason)));

const acknowledged = new Set();
const count = { refused: 0, unknown: 0 };
let done = 0;
let producing = true;

/**
 * Runs `work` until it is done. Only for work that is harmless to repeat: after an OutcomeUnknownError it may have been
 * done already. Null when Ctrl-C came first.
 */
async function persist(what, work) {
  while (!stop.aborted) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof HotspareError)) throw error;
      if (error instanceof OutcomeUnknownError) {
        count.unknown++;
        say(yellow(`${what}: nobody knows.`), 'It is harmless to repeat, so it is repeated');
      } else {
        count.refused++;
        sayNews(`waiting: ${error.message}`);
      }
      await Promise.race([pool.waitForMode('read-write', 1_000).catch(() => {}), pause(1_000, stop)]);
      await pause(50, stop);
    }
  }
  return null;
}

// The id is made here, once, and not by the database: sending the same job again changes nothing.
async function add(n) {
  const id = randomUUID();
  const sent = await persist(`adding job ${n}`, () =>
    pool.query(
      'INSERT INTO hotspare_example_worker.jobs (id, n) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING',
      [id, n],
    ),
  );
  if (sent) acknowledged.add(id);
}

async function produce() {
  for (let n = 1; n <= jobs && !stop.aborted; n++) {
    await add(n);
    await pause(40, stop);
  }
  producing = false;
}

/**
 * Takes a job that nobody else has, does it and marks it as done, in one transaction: all of that is kept, or none.
 * The work is a row here. Were it an e-mail or a payment, it would take the job's id along as *its* idempotency key.
 */
function takeJob() {
  return pool.transaction(
    async (client) => {
      const { rows } = await client.query(
        `SELECT id, n FROM hotspare_example_worker.jobs WHERE done_at IS NULL
         ORDER BY n LIMIT 1 FOR UPDATE SKIP LOCKED`,
      );
      const [job] = rows;
      if (!job) return 'none';
      await client.query('INSERT INTO hotspare_example_worker.effects (job) VALUES ($1)', [job.id]);
      await client.query('UPDATE hotspare_example_worker.jobs SET done_at = now() WHERE id = $1', [job.id]);
      return job;
    },
    { retry: true }, // what certainly did not commit; a COMMIT that got no answer never is
  );
}

async function work() {
  while (!stop.aborted) {
    // When a COMMIT's outcome is unknown, the job is either done or still there for the next: nothing to repair.
    const job = await persist('a worker’s COMMIT', takeJob);
    if (job === 'none' && !producing) return;
    if (job === 'none') await pause(20, stop);
    else if (job && ++done % 50 === 0) say(dim(`${done} jobs done`));
  }
}

function makeTables() {
  return pool.query(`DROP SCHEMA IF EXISTS hotspare_example_worker CASCADE;
    CREATE SCHEMA hotspare_example_worker;
    CREATE TABLE hotspare_example_worker.jobs (id uuid PRIMARY KEY, n int NOT NULL, done_at timestamptz);
    CREATE TABLE hotspare_example_worker.effects (job uuid NOT NULL)`);
}

/** Reads work in any mode. */
async function balance() {
  const { rows } =
    await pool.query(`SELECT id, done_at, (SELECT count(*)::int FROM hotspare_example_worker.effects
      WHERE job = id) AS effects FROM hotspare_example_worker.jobs`);
  const there = new Map(rows.map((row) => [row.id, row]));
  return {
    lost: [...acknowledged].filter((id) => !there.has(id)).length,
    done: rows.filter((row) => row.done_at).length,
    twice: rows.filter((row) => row.effects > 1).length,
    half: rows.filter((row) => (row.done_at === null) !== (row.effects === 0)).length,
  };
}

async function main() {
  if (!(await persist('making the tables', makeTables))) return 0;
  say(`${jobs} jobs, two workers`);
  await Promise.all([produce(), work(), work()]);
  const sum = await balance();
  const wrong = sum.lost + sum.twice + sum.half;
  console.log(`
added ${acknowledged.size}, done ${sum.done}
refused while there was no primary: ${count.refused}; outcome unknown: ${count.unknown}
${(wrong ? red : green)(`lost ${sum.lost}, done twice ${sum.twice}, half done ${sum.half}`)}`);
  await pool.query('DROP SCHEMA hotspare_example_worker CASCADE').catch((error) => {
    console.log(`The tables stay (${error.message}): node examples/clean.mjs`);
  });
  return wrong ? 1 : 0;
}

process.exitCode = await main().finally(() => pool.end());
