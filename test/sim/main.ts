import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { breakages, nothingBroken } from './world/breakage.js';
import { scenarioOf } from './world/deeds.js';
import { play } from './world/run.js';
import { playKept, shrink, type Kept } from './shrink.js';
import { simulate } from './simulate.js';

const usage = `npm run sim -- --seeds N [--seed S] [--break RULE] [-o json|text]
       npm run sim -- --shrink --seed S [--break RULE] [-o json|text]
       npm run sim -- --replay test/sim/kept/NAME.json`;

const help = `usage: ${usage}

Runs the agents' own decisions against a simulated Consul, Postgres and network, in which a crash or a delay may fall
between any two steps. One seed gives one run, and the same run each time.

  --seeds N      so many seeds (default: 1)
  --seed S       the first of them (default: 1)
  --break RULE   with that rule switched off: some seed must then find a violation
  --shrink       the shortest run found in which the seed still violates the same invariant
  --replay FILE  a kept run
  -o, --output   json or text (default: text)
  -h, --help     this text

Rules: ${Object.keys(breakages).join(', ')}

Exits with 0 when no invariant was violated, with 1 when one was, with 2 when the command is wrong.
`;

function fail(why: string): never {
  process.stderr.write(`sim: ${why}\nusage: ${usage}\n`);
  process.exit(2);
}

function count(name: string, value: string): number {
  const found = Number(value);
  if (!Number.isSafeInteger(found) || found < 1) fail(`--${name}: "${value}" is not a whole number above 0`);
  return found;
}

function read() {
  try {
    return parseArgs({
      options: {
        seeds: { type: 'string', default: '1' },
        seed: { type: 'string', default: '1' },
        break: { type: 'string' },
        shrink: { type: 'boolean', default: false },
        replay: { type: 'string' },
        output: { type: 'string', short: 'o', default: 'text' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    return fail((error as Error).message);
  }
}

const options = read();
if (options.help) {
  process.stdout.write(help);
  process.exit(0);
}
const rule = options.break;
if (rule !== undefined && !Object.hasOwn(breakages, rule))
  fail(`--break: "${rule}" is not a rule; expected one of ${Object.keys(breakages).join(', ')}`);
if (options.output !== 'json' && options.output !== 'text')
  fail(`-o: "${options.output}" is not an output; expected json or text`);
if (options.replay !== undefined) replay(options.replay);
else if (options.shrink) shrinkSeed(count('seed', options.seed));
else many(count('seeds', options.seeds), count('seed', options.seed));

function many(seeds: number, first: number): void {
  const found = simulate({
    first,
    seeds,
    broken: rule === undefined ? undefined : breakages[rule],
    progress: (done) => {
      if (done % 50 === 0) process.stderr.write(`${done} of ${seeds} seeds\n`);
    },
  });
  process.stdout.write(
    options.output === 'json'
      ? `${JSON.stringify(found)}\n`
      : `${found.seeds} seeds, ${found.ticks} ticks, ${found.roleChanges} role changes, at most ${found.maxUnavailableMs} ms without a write\n${found.violations
          .map(({ seed, invariant, tick }) => `seed ${seed}: invariant ${invariant} at tick ${tick}\n`)
          .join('')}`,
  );
  process.exitCode = found.violations.length > 0 ? 1 : 0;
}

/** The shortest scenario found that violates what the seed violates; with -o json as it is kept. */
function shrinkSeed(seed: number): void {
  const broken = rule === undefined ? nothingBroken : breakages[rule]!;
  const whole = scenarioOf(seed, broken);
  const [first] = play(whole, broken).violations;
  if (!first) return void process.stdout.write(`seed ${seed} violates nothing\n`);
  const { invariant, what: about } = first;
  const scenario = shrink(whole, invariant, rule, (left) => process.stderr.write(`${left} deeds\n`));
  const kept: Kept = { rule, invariant, about, scenario };
  if (options.output === 'json') process.stdout.write(`${JSON.stringify(kept, undefined, 1)}\n`);
  else tell(kept);
  process.exitCode = 1;
}

function replay(file: string): void {
  tell(JSON.parse(readFileSync(file, 'utf8')) as Kept);
}

function tell(kept: Kept): void {
  const { deeds, ...about } = kept.scenario;
  const { world, violations } = playKept(kept);
  const lines = deeds.map(({ atMs, what, member, forMs }) => `${atMs} ms: ${what} ${member}, ${forMs} ms`);
  process.stdout.write(`${[JSON.stringify(about), ...lines, '', ...world.transcript].join('\n')}\n`);
  process.exitCode = violations.length > 0 ? 1 : 0;
}
