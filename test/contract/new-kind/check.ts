// Runs in the copy with the new kind: what comes of it, as JSON on standard output. The paths are those in the copy.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { loadAgentConfig } from '../../../agent/config.js';
import { troubleText } from '../../../agent/core/kinds/index.js';
import { createDriver, type Surroundings } from '../../../agent/drivers/index.js';
import { sleep } from '../../../common/clock.js';
import { systemClock, systemRandom } from '../../../common/runtime/clock.js';
import { boxPaths } from '../../../lab/layout.js';
import { unitsOf } from '../../../lab/units.js';
import { payloadOf } from '../../../provision/box/payload.js';
import { aclOf } from '../../../provision/consul/acl.js';
import { filesOf } from '../../../provision/files/files.js';
import { writeFiles } from '../../../provision/files/write.js';
import { firewallOf } from '../../../provision/services/derived/firewall.js';
import { drivenUnits } from '../../../provision/services/derived/units.js';
import { boxesSite } from '../../../provision/site/real-boxes.js';
import { makeSecrets } from '../../../provision/site/secrets.js';
import { labFacts, type LabSite } from '../../../provision/site/site.js';
import { loadTopology } from '../../../provision/topology/topology.js';

const [folder, offset] = process.argv.slice(2);
if (!folder || !offset) throw new Error('usage: check.ts FOLDER OFFSET');
const templates = 'provision/templates';
const topology = loadTopology('vagrant/topology.json');
const box = topology.boxes.find(({ name }) => name === 'adm1')!;
const secrets = makeSecrets();

const real = boxesSite({
  topology,
  subnet: '192.168.11',
  secrets,
  managementCidrs: [],
  tls: { certificate: '', key: '' },
});
const payload = payloadOf(real, box, templates);

const lab: LabSite = {
  ...labFacts,
  topology,
  subnet: '127.0.11',
  portOffset: Number(offset),
  clientNetwork: '127.0.0.0/8',
  webPort: 8080,
  binaries: { consul: '/consul', nginx: '/nginx', postgresBin: '/postgres', postgresMajor: 15 },
  secrets,
  pathsOf: (one) => boxPaths(folder, one),
  nginxUser: undefined,
  accountName: 'unused',
  directory: folder,
  postgresAccount: undefined,
};
mkdirSync(folder, { recursive: true });
writeFiles(filesOf(lab, box, templates), undefined);
const config = loadAgentConfig(join(folder, 'adm1/etc/agent.yaml'));
const configured = config.services[0]!;
const unit = unitsOf(lab, folder, folder).find(({ name }) => name === 'echo@adm1')!;

const surroundings: Surroundings = {
  box: 'adm1',
  clock: systemClock,
  random: systemRandom,
  keptPassword: () => {
    throw new Error('it has no password');
  },
  keptTls: () => {
    throw new Error('it has no TLS');
  },
};
const driver = createDriver(configured, surroundings);
const before = await driver.probe();
const [program, ...args] = unit.command;
const child = spawn(program, args, { stdio: 'inherit' });
let running = await driver.probe();
// No more than some seconds: a program of one line.
for (let tries = 0; running.kind !== 'passing' && tries < 300; tries++) {
  await sleep(systemClock, 100);
  running = await driver.probe();
}
child.kill('SIGKILL');
await once(child, 'exit');
const after = await driver.probe();
await driver.close();
rmSync(folder, { recursive: true });

console.log(
  JSON.stringify({
    services: box.services,
    firewall: firewallOf(real, box).filter(({ what }) => what === 'echo'),
    openOnPg1: firewallOf(real, topology.boxes[1]!).filter(({ what }) => what === 'echo'),
    driven: drivenUnits(real, box),
    acl: aclOf(topology, secrets).policies.find(({ Name }) => Name === 'hotspare-agent')?.Rules,
    files: filesOf(real, box, templates)
      .filter(({ concern }) => concern === 'echo')
      .map(({ path, content }) => ({ path, content })),
    steps: /^CONCERNS='(.*)'$/m.exec(payload.environment)?.[1],
    accounts: /^ACCOUNTS='(.*)'$/m.exec(payload.environment)?.[1],
    plainSteps: payload.plainSteps,
    configured: {
      name: configured.name,
      kind: configured.kind,
      port: configured.port,
      probe: configured.probe,
    },
    unit: { stopSignal: unit.stopSignal, environment: Object.keys(unit.environment) },
    probes: [before, running, after],
    texts: [before, after].map((result) => (result.kind === 'critical' ? troubleText(result.trouble) : '')),
  }),
);
