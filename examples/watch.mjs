// Shows what an app sees of its database: mode, who takes writes, who serves reads, how far behind that is.
// It reads twenty times a second all the while, and says at the end whether one read failed.
//
//   node examples/watch.mjs
//
// Then, in another terminal:            and here
//   npx hotspare lab kill pg@pg1        "read-only" within milliseconds; no read fails
//   npx hotspare lab start pg@pg1       "read-write" again, by itself
//   npx hotspare lab freeze pg@pg2      a hung replica: reads go to the primary after 0.8 s at most
//   npx hotspare lab stop consul@all    nothing happens
//
// Ctrl-C ends it (exit code 0). It writes nothing.
import './lab.cjs';
import { Pool } from 'hotspare';
import { bold, coloured, dim, name, pause, red, say, sayNews, stopSignal } from './terminal.mjs';

const stop = stopSignal();
const pool = new Pool({ connectionString: process.env.DATABASE_URL, application_name: 'example-watch' });
const all = { reads: 0, failed: 0, slowestMs: 0 };
let sinceLine = { reads: 0, slowestMs: 0 };

pool.on('mode', (mode, { reason }) => say(coloured(mode), bold(reason)));

async function read() {
  const startedMs = performance.now();
  try {
    await pool.read.query('SELECT 1');
  } catch (error) {
    all.failed++;
    sayNews(`reads fail: ${error.message}`);
  }
  const tookMs = performance.now() - startedMs;
  for (const sum of [all, sinceLine]) {
    sum.reads++;
    sum.slowestMs = Math.max(sum.slowestMs, tookMs);
  }
}

/** Who does what; changes are shown at once, and what stays as it is every two seconds. */
function places() {
  const { primary, readFrom } = pool.topology;
  return `writes ${name(primary).padEnd(17)}  reads ${(readFrom.map(name).join(', ') || 'nobody').padEnd(17)}`;
}

function age() {
  const { primary, readFrom, members } = pool.topology;
  const reader = members.find((member) => name(member) === name(readFrom[0]));
  if (!reader || reader.role === 'primary') return '';
  const parts = [];
  // Without a primary nobody knows what it may have written at last.
  if (reader.lagBytes !== null) parts.push(`${primary ? '' : '≥ '}${reader.lagBytes} bytes behind`);
  if (pool.dataAgeMs !== null) parts.push(`data ${(pool.dataAgeMs / 1000).toFixed(1)} s old at most`);
  return parts.join(', ');
}

function line() {
  const { reads, slowestMs } = sinceLine;
  sinceLine = { reads: 0, slowestMs: 0 };
  say(coloured(pool.mode), places(), dim(`${reads} reads, slowest ${slowestMs.toFixed(0)} ms  ${age()}`));
}

await pool.read.query('SELECT 1').catch(() => {}); // the first has to log in: that is not what is measured here
let shown = '';
let shownMs = 0;
while (!stop.aborted) {
  await read();
  if (places() !== shown || performance.now() - shownMs > 2_000) {
    shown = places();
    shownMs = performance.now();
    line();
  }
  await pause(50, stop);
}

await pool.end();
console.log(
  `\n${all.reads} reads, ${all.failed ? red(`${all.failed} failed`) : '0 failed'}, slowest ${all.slowestMs.toFixed(0)} ms`,
);
