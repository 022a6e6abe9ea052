import type { LxcFacts, NetworkInterface, Plan } from '../model.js';
import { namesIn, textOf } from './files.js';
import { gatherBridge } from './network.js';
import { ask, askVersion, isInPath, type Environment } from './programs.js';
import { gatherBox } from './vagrant.js';

export async function gatherLxc(
  plan: Plan,
  interfaces: readonly NetworkInterface[],
  environment: Environment,
): Promise<LxcFacts> {
  const [program, containers, bridge, bridgeFiltered, box, mounts, status, appArmor, nftables] =
    await Promise.all([
      askVersion('lxc-start', ['--version'], environment),
      gatherContainers(environment),
      gatherBridge(plan.bridge, interfaces),
      gatherFilter(plan.bridge, environment),
      gatherBox(plan.boxName, 'lxc', environment),
      textOf('/proc/self/mounts'),
      textOf('/proc/self/status'),
      textOf('/proc/self/attr/current'),
      gatherNftables(environment),
    ]);
  return {
    program,
    containers,
    bridge,
    bridgeFiltered,
    box,
    ipCommand: isInPath('ip', environment),
    cgroups: cgroupsIn(mounts ?? ''),
    missingCapabilities: missingCapabilitiesIn(status ?? ''),
    appArmorProfile: appArmorProfileIn(appArmor ?? ''),
    nftables,
  };
}

async function gatherContainers(environment: Environment): Promise<string[] | undefined> {
  const result = await ask('lxc-ls', ['-1'], environment);
  return result?.exitCode === 0 ? result.stdout.split(/\s+/).filter(Boolean) : undefined;
}

/** Listing tables as root tells whether the kernel knows them. Anybody else learns it only from a loaded module. */
async function gatherNftables(environment: Environment): Promise<LxcFacts['nftables']> {
  const result = await ask('nft', ['list', 'tables'], environment);
  if (result?.exitCode === 0) return 'works';
  const loaded = await namesIn('/sys/module/nf_tables');
  if (loaded) return 'works';
  return result &&
    /protocol not supported|cannot open netlink|unable to initialize netlink/i.test(result.stderr)
    ? 'missing'
    : 'unknown';
}

/** The setting is there once the kernel's br_netfilter is loaded. */
async function gatherFilter(bridge: string, environment: Environment): Promise<boolean | undefined> {
  const calls = await textOf('/proc/sys/net/bridge/bridge-nf-call-iptables');
  if (calls?.trim() !== '1') return false;
  const rules = await ask('iptables', ['-S', 'FORWARD'], environment);
  return rules?.exitCode === 0 ? filtersBridge(rules.stdout, bridge) : undefined;
}

/** Reads "iptables -S FORWARD". */
export function filtersBridge(rules: string, bridge: string): boolean {
  const lines = rules.split('\n').map((line) => line.trim());
  return (
    lines.includes('-P FORWARD DROP') && !lines.includes(`-A FORWARD -i ${bridge} -o ${bridge} -j ACCEPT`)
  );
}

/** Reads /proc/self/mounts. */
export function cgroupsIn(mounts: string): LxcFacts['cgroups'] {
  const groups = mounts
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, , type]) => type === 'cgroup' || type === 'cgroup2')
    .map(([, , type, options = '']) => ({ type, options: options.split(',') }));
  const first = groups.filter(({ type }) => type === 'cgroup');
  const second = groups.filter(({ type }) => type === 'cgroup2');
  const layout =
    first.length > 0 ? (second.length > 0 ? 'hybrid' : 'legacy') : second.length > 0 ? 'unified' : 'none';
  return {
    layout,
    writable: groups.some(({ options }) => options.includes('rw')),
    forSystemd: layout === 'unified' || first.some(({ options }) => options.includes('name=systemd')),
  };
}

/** Numbers of linux/capability.h. */
const neededCapabilities: readonly (readonly [name: string, bit: bigint])[] = [
  ['CAP_NET_ADMIN', 12n],
  ['CAP_SYS_ADMIN', 21n],
  ['CAP_MKNOD', 27n],
];

/** Reads /proc/self/status. Nothing is missing where it does not say. */
export function missingCapabilitiesIn(status: string): string[] {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (effective === undefined) return [];
  const have = BigInt(`0x${effective}`);
  return neededCapabilities.filter(([, bit]) => ((have >> bit) & 1n) === 0n).map(([name]) => name);
}

/** Reads /proc/self/attr/current: "unconfined", or "PROFILE (enforce)". Other security modules write other things there. */
export function appArmorProfileIn(text: string): string | undefined {
  return /^(\S+) \(enforce\)$/.exec(text.replace(/\0/g, '').trim())?.[1];
}
