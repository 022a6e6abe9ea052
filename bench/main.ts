import { parseArgs } from 'node:util';
import { messageOf, UserError } from '../common/errors.js';
import { libraryAt, libraryHere } from './against.js';
import { compareCpu } from './cpu/compare.js';
import { renderCpu } from './cpu/report.js';
import { comparePools } from './pools.js';
import { postgresPair, consulAgent } from './servers.js';
import { resolverLatency } from './resolver.js';
import { render, type Report } from './report.js';

const usage = `usage: npm run bench -- [--cpu] [--against COMMIT] [--json] [--quick]

The library next to bare pg, in one run on this machine.

  --cpu             only the CPU of a statement, where canned answers take the place of a server
  --against COMMIT  the library of another commit takes part as well
  --json            the figures as JSON
  --quick           fewer and shorter rounds: a look, not a measurement
  --help            this text`;

function options() {
  try {
    const { values } = parseArgs({
      options: {
        cpu: { type: 'boolean', default: false },
        against: { type: 'string' },
        json: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    return values;
  } catch (error) {
    throw new UserError(`${messageOf(error)}\n${usage}`, { exitCode: 2, cause: error });
  }
}

async function bench({ against, cpu, json, quick }: ReturnType<typeof options>): Promise<void> {
  const stops: (() => void | Promise<void>)[] = [];
  try {
    const other = against === undefined ? undefined : await libraryAt(against);
    if (other) stops.push(other.remove);
    if (cpu) {
      const here = await libraryHere();
      stops.push(here.remove);
      const report = await compareCpu(here, { quick, other });
      console.log(json ? JSON.stringify(report, null, 2) : renderCpu(report));
      return;
    }
    const pair = await postgresPair();
    stops.push(pair.stop);
    const consul = await consulAgent(pair);
    stops.push(consul.stop);
    const report: Report = {
      pools: await comparePools(pair, consul, { quick, other }),
      resolver: await resolverLatency(consul, { quick }),
    };
    console.log(json ? JSON.stringify(report, null, 2) : render(report));
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

try {
  const values = options();
  if (values.help) console.log(usage);
  else await bench(values);
} catch (error) {
  console.error(error instanceof UserError ? `bench: ${error.message}` : error);
  process.exitCode = error instanceof UserError ? error.exitCode : 1;
}
