import { assertNever } from '../../../common/assert-never.js';
import { networkOf, overlap, contains } from '../ipv4.js';
import { note, takeSubnet } from '../mends.js';
import { error, warning, type Finding, type HostFacts, type Plan } from '../model.js';
import { allowedBy, defaultRange, networksConfPath, parseNetworksConf } from '../networks-conf.js';
import { atLeast, series } from '../version.js';

/**
 * Which Vagrant brought the driver for a series of VirtualBox; the older ones were there before our oldest Vagrant.
 * Sources: hashicorp/vagrant pull requests 13513 (7.1) and 13709 (7.2); with 2.3.4, of Debian 12, 7.0 works on macOS too,
 * whose host-only networks are of another sort from 7.0 on (driver/version_7_0.rb, `use_host_only_nets?`).
 */
const drivers: Readonly<Record<string, string>> = { '7.0': '2.3.4', '7.1': '2.4.2', '7.2': '2.4.9' };

const containers = note('sudo vagrant up --provider lxc', 'or use containers');

export function virtualBoxFindings(facts: HostFacts, plan: Plan): Finding[] {
  const { program } = facts.virtualbox;
  switch (program.state) {
    case 'absent':
      return [
        error(
          'virtualbox-missing',
          'VirtualBox is not installed (there is no VBoxManage)',
          'install VirtualBox from https://www.virtualbox.org/wiki/Downloads',
          ...(facts.platform === 'linux' ? [containers] : []),
        ),
      ];
    case 'failed':
      return [
        error(
          'virtualbox-failed',
          `"VBoxManage --version" gives no version: ${program.said}`,
          'VBoxManage --version',
          'install VirtualBox again',
        ),
      ];
    case 'found':
      return [
        ...kernelModule(program.warning),
        ...machine(facts, program.version),
        ...driver(facts, program.version),
        ...hostOnly(facts, plan, program.version),
      ];
    default:
      return assertNever(program);
  }
}

function kernelModule(said: string | undefined): Finding[] {
  if (said === undefined) return [];
  return [
    error(
      'virtualbox-kernel-module',
      `VirtualBox has no kernel module loaded: ${said}`,
      'sudo modprobe vboxdrv',
      note(
        'sudo /sbin/vboxconfig',
        'builds it; Debian: sudo apt install virtualbox-dkms linux-headers-amd64',
      ),
    ),
  ];
}

function machine(facts: HostFacts, version: string): Finding[] {
  const { cpuCanVirtualise, kvm } = facts.virtualbox;
  const findings: Finding[] = [];
  if (facts.architecture !== 'x64')
    findings.push(
      error(
        'box-architecture',
        `this machine is ${facts.architecture}; the Debian box for VirtualBox exists for x64 only`,
        'use an x64 machine',
        ...(facts.platform === 'linux' ? [containers] : []),
      ),
    );
  else if (cpuCanVirtualise === false)
    findings.push(
      error(
        'cpu-cannot-virtualise',
        'the CPU offers neither VT-x nor AMD-V, without which VirtualBox runs no 64-bit box',
        'switch virtualisation on in the firmware; in a virtual machine, let its host pass it on ("nested")',
        ...(facts.platform === 'linux' ? [containers] : []),
      ),
    );
  // From Linux 6.12 on KVM takes the CPU's extension when its module is loaded (VirtualBox/virtualbox issues 81, 141, 188);
  // VirtualBox 7.2.10 shares it (issue 713).
  if (kvm && (kvm.users > 0 || (kvm.holdsCpu && !atLeast(version, '7.2.10'))))
    findings.push(
      warning(
        'kvm-in-use',
        kvm.users > 0
          ? 'KVM runs virtual machines now; VirtualBox then may fail with VERR_VMX_IN_VMX_ROOT_MODE or VERR_SVM_IN_USE'
          : "KVM holds the CPU's virtualisation as long as its module is loaded; VirtualBox then may fail with VERR_VMX_IN_VMX_ROOT_MODE or VERR_SVM_IN_USE",
        note(`sudo modprobe -r ${kvm.module} kvm`, "once KVM's own machines are stopped"),
      ),
    );
  return findings;
}

function driver(facts: HostFacts, version: string): Finding[] {
  if (facts.vagrant.state !== 'found') return [];
  const needed = drivers[series(version)];
  const knownToBeNewer = needed === undefined && atLeast(version, '7.3');
  if (!knownToBeNewer && (needed === undefined || atLeast(facts.vagrant.version, needed))) return [];
  const what = `Vagrant ${facts.vagrant.version} may not know VirtualBox ${version}`;
  return needed === undefined
    ? [warning('virtualbox-too-new', what, 'take the newest Vagrant, or VirtualBox 7.2')]
    : [
        error(
          'virtualbox-too-new',
          `${what.replace('may not know', 'does not know')}; it takes Vagrant ${needed}`,
          'install a newer Vagrant from https://developer.hashicorp.com/vagrant/install',
          'or install an older VirtualBox',
        ),
      ];
}

/** VirtualBox from 6.1.28 on, other than on Windows; macOS has networks of another sort from 7.0 on, without limits. */
export function limitsHostOnlyNetworks(platform: HostFacts['platform'], version: string): boolean {
  if (platform === 'windows' || !atLeast(version, '6.1.28')) return false;
  return !(platform === 'darwin' && atLeast(version, '7.0.0'));
}

function hostOnly(facts: HostFacts, plan: Plan, version: string): Finding[] {
  const findings: Finding[] = [];
  // Every VirtualBox machine has its NAT, by which `vagrant ssh` comes, in 10.0.2.0/24.
  if (overlap(networkOf(plan.subnet), { address: '10.0.2.0', prefixLength: 24 }))
    findings.push(
      error(
        'subnet-is-nat',
        `${plan.subnet}.x is the network of VirtualBox' own NAT inside every box`,
        takeSubnet(facts, plan, '192.168.56'),
      ),
    );
  if (!limitsHostOnlyNetworks(facts.platform, version)) return findings;
  return [...findings, ...networksConf(facts, plan, version)];
}

function networksConf(facts: HostFacts, plan: Plan, version: string): Finding[] {
  const file = facts.virtualbox.networksConf;
  const line = `* ${plan.subnet}.0/24`;
  const wanted = [`${plan.subnet}.1`, ...plan.boxes.map(({ address }) => address)];
  const take56 = takeSubnet(facts, plan, '192.168.56');
  switch (file.state) {
    case 'unreadable':
      return [
        error(
          'networks-conf-unreadable',
          `${networksConfPath} cannot be read: ${file.why}`,
          `sudo chmod a+r ${networksConfPath}`,
        ),
      ];
    case 'absent':
      if (allowedBy([defaultRange], wanted)) return [];
      return [
        error(
          'networks-conf-forbids',
          `VirtualBox ${version} refuses host-only networks outside 192.168.56.0/21, and ${plan.subnet}.x is outside`,
          take56,
          // A file takes the place of the default, so it has to allow that too.
          note(
            `sudo mkdir -p /etc/vbox && echo '* 192.168.56.0/21 ${plan.subnet}.0/24' | sudo tee ${networksConfPath}`,
            'or allow it',
          ),
        ),
      ];
    case 'read': {
      const { ranges, garbled } = parseNetworksConf(file.text);
      if (garbled.length > 0)
        return garbled.map(({ line: number, entry }) =>
          error(
            'networks-conf-garbled',
            `${networksConfPath}, line ${number}: "${entry}" is no address range, and Vagrant ends there`,
            note(
              `sudoedit ${networksConfPath}`,
              `ranges look like this: ${line}; comments are lines of their own`,
            ),
          ),
        );
      if (allowedBy(ranges, wanted)) return [];
      const allowed = ranges.map(({ address, prefixLength }) => `${address}/${prefixLength}`).join(', ');
      return [
        error(
          'networks-conf-forbids',
          `${networksConfPath} allows ${allowed || 'no IPv4 network at all'}, and ${plan.subnet}.x is outside`,
          ...(ranges.some((range) => contains(range, '192.168.56.1') && contains(range, '192.168.56.254'))
            ? [take56]
            : []),
          note(`echo '${line}' | sudo tee -a ${networksConfPath}`, 'or allow it too'),
        ),
      ];
    }
    default:
      return assertNever(file);
  }
}

/**
 * The subnet to take when nobody asked for one: the topology's where VirtualBox allows it, else 192.168.56, which it
 * always allows. `reason` is a sentence to print when it is not the wanted one.
 */
export function automaticSubnet(
  facts: HostFacts,
  plan: Plan,
): { readonly subnet: string; readonly reason: string | undefined } {
  if (plan.provider !== 'virtualbox') return { subnet: plan.subnet, reason: undefined };
  const refusal = virtualBoxFindings(facts, plan).find(({ code }) => code === 'networks-conf-forbids');
  const moved = {
    ...plan,
    subnet: '192.168.56',
    boxes: plan.boxes.map((box) => ({ ...box, address: box.address.replace(/^.*\./, '192.168.56.') })),
  };
  const helps =
    refusal && !virtualBoxFindings(facts, moved).some(({ code }) => code === 'networks-conf-forbids');
  return helps
    ? { subnet: moved.subnet, reason: `${refusal.what}: the boxes get 192.168.56.x instead` }
    : { subnet: plan.subnet, reason: undefined };
}
