import { parseArgs } from 'node:util';
import { renderHerds } from './report.js';
import { simulate } from './simulate.js';
import { measureHerd, type HerdOptions, type HerdReport } from './measure.js';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean' },
    quick: { type: 'boolean' },
    simulate: { type: 'boolean' },
    only: { type: 'string', multiple: true },
    help: { type: 'boolean' },
  },
});
const steadyMs = values.quick ? 10_000 : 30_000;
const herds: readonly Omit<HerdOptions, 'steadyMs'>[] = [
  ...[1, 200, 500, 1_000].map((size) => ({ size, http: true })),
  { size: 1_000, http: true, maxConnections: 2_000 },
  { size: 1_000, http: false },
  { size: 1_000, http: false, dnsCache: true },
];

if (values.help) {
  console.log(
    'usage: npm run bench:herd -- [--json] [--quick] [--only SIZE]...\n       npm run bench:herd -- --simulate\n\nMany resolvers on one Consul agent: what they cost at rest and while the primary changes.',
  );
} else if (values.simulate) {
  console.log(simulate(Math.random));
} else {
  const reports: HerdReport[] = [];
  for (const herd of herds) {
    if (values.only && !values.only.includes(String(herd.size))) continue;
    const report = await measureHerd({ ...herd, steadyMs });
    reports.push(report);
    if (!values.json) console.error(`${herd.size} done`);
  }
  console.log(values.json ? JSON.stringify(reports, null, 2) : renderHerds(reports));
}
