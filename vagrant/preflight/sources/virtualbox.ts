import { prefixLengthOf } from '../ipv4.js';
import type { HostOnlyNetwork, VirtualBoxFacts } from '../model.js';
import { networksConfPath } from '../networks-conf.js';
import { readTextFile, textOf } from './files.js';
import { ask, programOf, type Environment } from './programs.js';

export async function gatherVirtualBox(environment: Environment): Promise<VirtualBoxFacts> {
  const [version, interfaces, networks, networksConf, cpuinfo, kvm] = await Promise.all([
    ask('VBoxManage', ['--version'], environment),
    ask('VBoxManage', ['list', 'hostonlyifs'], environment),
    // Only on macOS from VirtualBox 7 on.
    process.platform === 'darwin' ? ask('VBoxManage', ['list', 'hostonlynets'], environment) : undefined,
    readTextFile(networksConfPath),
    textOf('/proc/cpuinfo'),
    gatherKvm(),
  ]);
  const listed = [interfaces, networks].filter((result) => result?.exitCode === 0);
  return {
    program: version ? programOf(version) : { state: 'absent' },
    networksConf,
    hostOnlyNetworks:
      listed.length === 0 ? undefined : listed.flatMap((result) => hostOnlyNetworksIn(result?.stdout ?? '')),
    cpuCanVirtualise: cpuinfo === undefined ? undefined : /^flags\s*:.*\b(vmx|svm)\b/m.test(cpuinfo),
    kvm,
  };
}

async function gatherKvm(): Promise<VirtualBoxFacts['kvm']> {
  for (const module of ['kvm_intel', 'kvm_amd'] as const) {
    const users = await textOf(`/sys/module/${module}/refcnt`);
    if (users === undefined) continue;
    const atLoad = await textOf('/sys/module/kvm/parameters/enable_virt_at_load');
    return { module, users: Number(users), holdsCpu: atLoad?.trim() === 'Y' };
  }
  return undefined;
}

/** Reads "VBoxManage list hostonlyifs" and "… hostonlynets": blocks of "Key: value" lines, one empty line between. */
export function hostOnlyNetworksIn(listing: string): HostOnlyNetwork[] {
  return listing
    .split(/\r?\n\s*\r?\n/)
    .map((block) => new Map(block.split(/\r?\n/).map((line) => keyAndValue(line))))
    .flatMap((block) => {
      const name = block.get('name');
      const address = block.get('ipaddress') ?? block.get('lowerip');
      if (!name || !address) return [];
      return [{ name, address, prefixLength: prefixLengthOf(block.get('networkmask') ?? '') }];
    });
}

function keyAndValue(line: string): [string, string] {
  const at = line.indexOf(':');
  return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
}
