import { error, warning, type Finding, type HostFacts, type Plan, type Provider } from '../model.js';

/** What one box takes on the disk once the sample app runs on it. */
const diskPerBoxMb: Readonly<Record<Provider, number>> = { virtualbox: 2_500, lxc: 900 };
/** With less than this left, the host itself becomes slow. */
const tightShare = 0.8;

export function resourceFindings(facts: HostFacts, plan: Plan): Finding[] {
  return [...memory(facts, plan), ...disk(facts, plan), ...cpu(facts, plan)];
}

function memory({ memory }: HostFacts, plan: Plan): Finding[] {
  const starting = plan.boxes.filter(({ running }) => !running).length;
  const neededMb = starting * plan.memoryPerBoxMb;
  const haveMb = memory.availableMb ?? memory.totalMb;
  const sum = `${boxes(starting)} of ${plan.memoryPerBoxMb} MB need ${neededMb} MB, and ${haveMb} MB are ${memory.availableMb === undefined ? 'there at all' : 'free'}`;
  const mend = ['close other programs', 'use fewer boxes: "count" of the groups in vagrant/topology.json'];
  if (neededMb > haveMb) return [error('memory-short', sum, ...mend)];
  return neededMb > haveMb * tightShare ? [warning('memory-tight', sum, ...mend)] : [];
}

function disk({ disk }: HostFacts, plan: Plan): Finding[] {
  const missing = plan.boxes.filter(({ exists }) => !exists).length;
  const neededMb = missing * diskPerBoxMb[plan.provider];
  if (!disk || neededMb <= disk.freeMb) return [];
  return [
    error(
      'disk-short',
      `${boxes(missing)} need about ${neededMb} MB, and ${disk.freeMb} MB are free in ${disk.path}`,
      `make room in ${disk.path}`,
    ),
  ];
}

function cpu({ cpus }: HostFacts, plan: Plan): Finding[] {
  if (cpus > 1 || plan.boxes.every(({ running }) => running)) return [];
  return [
    warning(
      'cpu-single',
      'this machine has one CPU: starting the boxes takes long, and failovers are slower than stated',
    ),
  ];
}

const boxes = (count: number) => (count === 1 ? '1 box' : `${count} boxes`);
