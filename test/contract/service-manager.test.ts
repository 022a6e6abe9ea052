import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { ProcessManager } from '../../common/runtime/processes/manager.js';
import { familyOf, listProcesses } from '../../common/runtime/processes/proc.js';
import type { ProcessUnit } from '../../common/runtime/processes/unit.js';
import { FakeUnits } from '../fakes/fake-units.js';
import { serviceManagerSuite, suiteStopMs, suiteUnits } from './service-manager-suite.js';

// The other implementation, systemd's, needs a booted box: test/boxes/service-manager.test.ts.

const folder = mkdtempSync(join(tmpdir(), 'hotspare-units-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const units = Object.entries(suiteUnits).map(([name, script]): ProcessUnit => ({
  name,
  command: ['/bin/sh', '-c', script],
  environment: { PATH: '/usr/bin:/bin' },
  workingDirectory: '/',
  logFile: join(folder, `${name}.log`),
  stopSignal: 'SIGTERM',
  stopTimeoutMs: suiteStopMs,
  killMode: name === 'server' ? 'process' : 'control-group',
}));

let labs = 0;
serviceManagerSuite({
  name: 'processes',
  unit: (name) => name,
  async make() {
    const run = join(folder, `run-${labs++}`);
    return { manager: new ProcessManager(units, run), again: () => new ProcessManager(units, run) };
  },
  family: async (_, pid) => familyOf(pid),
  all: async () => listProcesses(),
});

let fake: FakeUnits;
serviceManagerSuite({
  name: 'the fake',
  unit: (name) => name,
  async make() {
    const manager = new FakeUnits({
      good: { children: 2 },
      stubborn: { children: 1 },
      brief: { brief: true },
      server: { children: 3, detached: true },
    });
    fake = manager;
    return { manager, again: () => manager };
  },
  family: async (unit) =>
    fake.processes.filter((process) => process.unit === unit).map((one) => ({ ...one })),
  all: async () => fake.processes,
});
