import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { environment } from '../../../common/runtime/environment.js';
import { systemClock } from '../../../common/runtime/clock.js';
import { preflight } from '../../../vagrant/preflight/checks.js';
import { gather } from '../../../vagrant/preflight/gather.js';
import { lxcPlan, virtualBoxPlan } from './builders.js';

// A network kept for examples: nothing of the plan lies behind an interface of this machine, so nothing is asked.
const plans = [
  lxcPlan({ subnet: '198.51.100', bridge: 'hs-none' }),
  virtualBoxPlan({ subnet: '198.51.100' }),
];
const options = (plan = plans[0] ?? lxcPlan()) => ({
  plan,
  environment,
  clock: systemClock,
  folder: tmpdir(),
  dotfileFolder: tmpdir(),
});

test.each(plans)('this machine is described, whatever it has ($provider)', async (plan) => {
  const facts = await gather(options(plan));
  expect(facts.nodeVersion).toBe(process.versions.node);
  expect(facts.isRoot).toBe(process.getuid?.() === 0);
  expect(facts.cpus).toBeGreaterThan(0);
  expect(facts.memory.totalMb).toBeGreaterThan(100);
  expect(facts.disk?.freeMb).toBeGreaterThan(0);
  expect(facts.interfaces.flatMap(({ addresses }) => addresses)).toContainEqual({
    address: '127.0.0.1',
    prefixLength: 8,
  });
  expect(facts.takenAddresses).toEqual([]);
  expect(facts.lxc.bridge).toEqual({ state: 'absent' });
  for (const program of [facts.vagrant, facts.virtualbox.program, facts.lxc.program])
    expect(['absent', 'found', 'failed']).toContain(program.state);
  // Plain data: it survives a file.
  const read = JSON.parse(JSON.stringify(facts)) as typeof facts;
  expect(preflight(read, plan)).toEqual(preflight(facts, plan));
});

test('what Vagrant has told is not asked again', async () => {
  const { vagrant } = await gather({ ...options(), vagrantVersion: '9.8.7' });
  expect(vagrant).toEqual({ state: 'found', version: '9.8.7' });
});

test('on a machine without any of the programs, they are absent', async () => {
  const bare = { ...environment, PATH: '/nonexistent', VAGRANT_HOME: '/nonexistent' };
  const facts = await gather({ ...options(), environment: bare });
  expect(facts.vagrant).toEqual({ state: 'absent' });
  expect(facts.virtualbox.program).toEqual({ state: 'absent' });
  expect(facts.virtualbox.hostOnlyNetworks).toBeUndefined();
  expect(facts.lxc.program).toEqual({ state: 'absent' });
  expect(facts.lxc.containers).toBeUndefined();
  expect(facts.lxc.box).toBe('absent');
  const codes = preflight(facts, options().plan).map(({ code }) => code);
  expect(codes).toEqual(expect.arrayContaining(['vagrant-missing', 'lxc-missing', 'bridge-missing']));
});
