import { assertNever } from '../../../common/assert-never.js';
import { contains, networkOf } from '../ipv4.js';
import { lxcBridge, note, vagrantUp } from '../mends.js';
import { error, warning, type Finding, type HostFacts, type Plan } from '../model.js';
import { atLeast } from '../version.js';

/** The first with the configuration keys we use and with cgroup v2. */
export const minimumLxc = '4.0';
/** IFNAMSIZ of Linux is 16, with the closing zero. */
export const maxInterfaceName = 15;

export const vethName = (prefix: string, box: string) => `ve-${prefix}${box}`;

export function lxcFindings(facts: HostFacts, plan: Plan): Finding[] {
  if (facts.platform !== 'linux')
    return [error('lxc-needs-linux', 'LXC runs on Linux only', 'vagrant up --provider virtualbox')];
  const stopped = plan.boxes.some(({ running }) => !running);
  return [
    ...programs(facts),
    ...privileges(facts),
    ...(stopped ? [...bridge(facts, plan), ...filter(facts, plan), ...kernel(facts)] : []),
    ...names(facts, plan),
    ...box(facts, plan),
  ];
}

function programs({ lxc, plugins }: HostFacts): Finding[] {
  const findings: Finding[] = [];
  const { program } = lxc;
  switch (program.state) {
    case 'absent':
      findings.push(
        error('lxc-missing', 'LXC is not installed (there is no lxc-start)', 'sudo apt install lxc'),
      );
      break;
    case 'failed':
      findings.push(
        error(
          'lxc-failed',
          `"lxc-start --version" gives no version: ${program.said}`,
          'sudo apt install --reinstall lxc',
        ),
      );
      break;
    case 'found':
      if (!atLeast(program.version, minimumLxc))
        findings.push(
          error(
            'lxc-too-old',
            `LXC is ${program.version}; the boxes need ${minimumLxc} or newer`,
            note('sudo apt install lxc', 'Debian 11 or newer'),
          ),
        );
      break;
    default:
      return assertNever(program);
  }
  if (plugins && !plugins.includes('vagrant-lxc'))
    findings.push(
      error(
        'plugin-missing',
        'Vagrant has no plugin vagrant-lxc',
        note('sudo apt install vagrant-lxc', 'where Vagrant came with the distribution'),
        note('vagrant plugin install vagrant-lxc', 'elsewhere'),
      ),
    );
  if (!lxc.ipCommand)
    findings.push(error('ip-missing', 'there is no "ip" command', 'sudo apt install iproute2'));
  return findings;
}

function privileges({ isRoot, lxc }: HostFacts): Finding[] {
  if (!isRoot)
    return [
      error(
        'root-needed',
        'the boxes are system containers, which only root can start',
        'sudo vagrant up --provider lxc',
      ),
    ];
  const findings: Finding[] = [];
  if (lxc.missingCapabilities.length > 0)
    findings.push(
      error(
        'not-privileged',
        `root may not start containers here: ${lxc.missingCapabilities.join(', ')} ${lxc.missingCapabilities.length === 1 ? 'is' : 'are'} missing`,
        'run on a real or virtual machine, or in a privileged container',
      ),
    );
  if (lxc.appArmorProfile !== undefined)
    findings.push(
      warning(
        'apparmor-confined',
        `this shell is itself confined by AppArmor (${lxc.appArmorProfile}), which may forbid starting containers`,
        'allow nesting for the surrounding container: lxc.include = /usr/share/lxc/config/nesting.conf',
      ),
    );
  return findings;
}

/** What is wanted of the kernel, which containers share with the host. */
function kernel({ lxc }: HostFacts): Finding[] {
  const { cgroups, nftables } = lxc;
  const findings: Finding[] = [];
  if (cgroups.layout === 'none')
    findings.push(
      error(
        'cgroups-missing',
        'no control groups are mounted, which containers are held by',
        'sudo mount -t cgroup2 cgroup2 /sys/fs/cgroup',
      ),
    );
  else if (!cgroups.writable)
    findings.push(
      error(
        'cgroups-read-only',
        'control groups are mounted read-only here, so that no container can be started',
        'run on a real or virtual machine, or in a privileged container',
      ),
    );
  else if (!cgroups.forSystemd)
    findings.push(
      error(
        'cgroups-without-systemd',
        'control groups (version 1) have no hierarchy for systemd, which every box runs',
        'sudo mkdir -p /sys/fs/cgroup/systemd && sudo mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd',
      ),
    );
  if (nftables === 'missing')
    findings.push(
      error(
        'nftables-missing',
        "the kernel offers no nftables, which the boxes' firewall is made of",
        'sudo modprobe nf_tables',
      ),
    );
  return findings;
}

function bridge({ lxc }: HostFacts, plan: Plan): Finding[] {
  const found = lxc.bridge;
  const otherName = note(vagrantUp(plan, { HOTSPARE_LXC_BRIDGE: 'NAME' }), 'or another bridge');
  switch (found.state) {
    case 'absent':
      return [
        error(
          'bridge-missing',
          `there is no bridge ${plan.bridge} to plug the boxes into`,
          lxcBridge('up', plan),
        ),
      ];
    case 'other-interface':
      return [
        error('bridge-not-a-bridge', `the interface ${plan.bridge} exists, and is no bridge`, otherName),
      ];
    case 'present': {
      const inside = found.addresses.some(({ address }) => contains(networkOf(plan.subnet), address));
      if (!inside) {
        const has = found.addresses
          .map(({ address, prefixLength }) => `${address}/${prefixLength}`)
          .join(', ');
        return [
          error(
            'bridge-other-subnet',
            `the bridge ${plan.bridge} has ${has || 'no address'}, and the boxes are to be ${plan.subnet}.x`,
            ...(found.ports.length === 0
              ? [`${lxcBridge('down', plan)} && ${lxcBridge('up', plan)}`]
              : [
                  `stop the containers on it (${found.ports.join(', ')}), then: ${lxcBridge('down', plan)} && ${lxcBridge('up', plan)}`,
                ]),
            otherName,
          ),
        ];
      }
      return found.up
        ? []
        : [error('bridge-down', `the bridge ${plan.bridge} is down`, `sudo ip link set ${plan.bridge} up`)];
    }
    default:
      return assertNever(found);
  }
}

/** Docker makes the kernel filter bridged traffic and drops what it does not know. */
function filter({ lxc }: HostFacts, { bridge }: Plan): Finding[] {
  if (lxc.bridgeFiltered !== true) return [];
  return [
    warning(
      'bridge-filtered',
      `this machine's firewall drops what it does not know on bridges, so that the boxes may not reach each other`,
      `sudo iptables -I FORWARD -i ${bridge} -o ${bridge} -j ACCEPT`,
    ),
  ];
}

/** Containers and network interfaces are known by name to the whole machine. */
function names(facts: HostFacts, plan: Plan): Finding[] {
  const containers = new Set(facts.lxc.containers ?? []);
  const interfaces = new Set(facts.interfaces.map(({ name }) => name));
  const otherPrefix = note(vagrantUp(plan, { HOTSPARE_LXC_PREFIX: 'x-' }), 'x- goes before each name');
  return plan.boxes.flatMap(({ name, exists, running }) => {
    const container = `${plan.containerPrefix}${name}`;
    const veth = vethName(plan.containerPrefix, name);
    const findings: Finding[] = [];
    if (veth.length > maxInterfaceName)
      findings.push(
        error(
          'interface-name-too-long',
          `${name}'s network interface would be called ${veth}, which has ${veth.length} letters; Linux allows ${maxInterfaceName}`,
          plan.containerPrefix === ''
            ? `give ${name} a shorter name in vagrant/topology.json`
            : 'take a shorter HOTSPARE_LXC_PREFIX',
        ),
      );
    const isTaken = containers.has(container) && !exists;
    if (isTaken)
      findings.push(
        error(
          'container-taken',
          `there is a container ${container} already, which is not of these boxes`,
          otherPrefix,
          note(`sudo lxc-destroy -f -n ${container}`, 'if nobody needs it'),
        ),
      );
    if (!running && !isTaken && interfaces.has(veth))
      findings.push(
        error(
          'interface-taken',
          `there is a network interface ${veth} although ${name} does not run`,
          `sudo ip link delete ${veth}`,
          otherPrefix,
        ),
      );
    return findings;
  });
}

function box({ lxc }: HostFacts, plan: Plan): Finding[] {
  if (lxc.box === 'present' || plan.boxes.every(({ exists }) => exists)) return [];
  return [
    error(
      'box-missing',
      `Vagrant has no box ${plan.boxName} for LXC`,
      note('sudo vagrant/build-lxc-box', 'once'),
    ),
  ];
}
