import { setTimeout as delay } from 'node:timers/promises';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { defaultTimings, shortestTimings } from '../support/programs/patroni.js';
import { hotspareLab } from './lab.js';
import { patroni } from './patroni.js';
import { figureOf, render, type Figure } from './report.js';
import type { System } from './system.js';
import { Writer } from './writer.js';

const usage = `usage: npm run bench:failover -- [-n TIMES] [--alone] [-o json|text]

Kills Postgres on the primary again and again under an app that writes through the library, and tells how long writes were away: the
five boxes of npm start with durability=sync promotion=auto, and beside them in the same run Debian's Patroni with its
defaults and with its shortest allowed timings.

  -n TIMES     how often in each system; default 20
  --alone      without Patroni
  -o json      the figures as JSON
  --help       this text`;

const events = {
  killed: 'postmaster killed -> first write acknowledged',
  streams: 'postmaster killed -> both members again, and another loss covered',
};

function fail(why: string): never {
  process.stderr.write(`bench:failover: ${why}\n${usage}\n`);
  process.exit(2);
}

function read() {
  try {
    return parseArgs({
      options: {
        times: { type: 'string', short: 'n', default: '20' },
        alone: { type: 'boolean', default: false },
        output: { type: 'string', short: 'o', default: 'text' },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    return fail((error as Error).message);
  }
}

async function measure(system: System, times: number): Promise<{ figures: Figure[]; lost: number }> {
  const pool = system.pool();
  pool.on('error', () => {});
  const writer = new Writer(pool);
  writer.start();
  const [awayMs, wholeMs]: [number[], number[]] = [[], []];
  try {
    for (let turn = 1; turn <= times; turn += 1) {
      await delay(1_000);
      const changed = writer.changed();
      const atMs = await system.kill();
      awayMs.push((await changed) - atMs);
      await system.recover();
      wholeMs.push(performance.now() - atMs);
      process.stderr.write(`${system.name}: ${turn} of ${times}: ${Math.round(awayMs.at(-1)!)} ms\n`);
    }
    await writer.end();
    return {
      figures: [figureOf(events.killed, system.name, awayMs), figureOf(events.streams, system.name, wholeMs)],
      lost: await writer.lost(),
    };
  } finally {
    await writer.end();
    await pool.end();
  }
}

const options = read();
if (options.help) {
  process.stdout.write(`${usage}\n`);
  process.exit(0);
}
const times = Number(options.times);
if (!Number.isSafeInteger(times) || times < 1) fail(`-n: "${options.times}" is not a whole number above 0`);
if (options.output !== 'json' && options.output !== 'text')
  fail(`-o: "${options.output}" is not an output; expected json or text`);
const makers = [
  hotspareLab,
  ...(options.alone
    ? []
    : [() => patroni('shortest timings', shortestTimings), () => patroni('defaults', defaultTimings)]),
];
const figures: Figure[] = [];
const lost: Record<string, number> = {};
for (const make of makers) {
  const system = await make();
  try {
    const found = await measure(system, times);
    figures.push(...found.figures);
    lost[system.name] = found.lost;
  } finally {
    await system.remove();
  }
}
process.stdout.write(
  options.output === 'json'
    ? `${JSON.stringify({ figures, lost }, null, 2)}\n`
    : `${render({ figures, lost })}\n`,
);
process.exitCode = Object.values(lost).some((count) => count > 0) ? 1 : 0;
