import { parseArgs } from 'node:util';
import { comparePools } from './pools.js';
import { postgresPair, consulAgent } from './servers.js';
import { resolverLatency } from './resolver.js';
import { render, type Report } from './report.js';

const { values } = parseArgs({
  options: { json: { type: 'boolean' }, quick: { type: 'boolean' }, help: { type: 'boolean' } },
});

if (values.help) {
  console.log(
    'usage: npm run bench -- [--json] [--quick]\n\nThe library next to bare pg, in one run on this machine.',
  );
} else {
  const stops: (() => Promise<void>)[] = [];
  try {
    const pair = await postgresPair();
    stops.push(pair.stop);
    const consul = await consulAgent(pair);
    stops.push(consul.stop);
    const report: Report = {
      pools: await comparePools(pair, consul, { quick: values.quick ?? false }),
      resolver: await resolverLatency(consul, { quick: values.quick ?? false }),
    };
    console.log(values.json ? JSON.stringify(report, null, 2) : render(report));
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}
