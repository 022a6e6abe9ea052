import type {
  Finding,
  FindingCode,
  HostFacts,
  LxcFacts,
  Plan,
  VirtualBoxFacts,
} from '../../../vagrant/preflight/model.js';

/** A host on which both providers work, without any box so far. */
export const goodVirtualBox: VirtualBoxFacts = {
  program: { state: 'found', version: '7.0.20' },
  networksConf: { state: 'read', text: '* 192.168.0.0/16\n' },
  hostOnlyNetworks: [],
  cpuCanVirtualise: true,
  kvm: undefined,
};

export const goodLxc: LxcFacts = {
  program: { state: 'found', version: '5.0.2' },
  containers: ['somebody-elses'],
  bridge: {
    state: 'present',
    up: true,
    addresses: [{ address: '192.168.11.1', prefixLength: 24 }],
    ports: [],
  },
  bridgeFiltered: false,
  box: 'present',
  ipCommand: true,
  cgroups: { layout: 'unified', writable: true, forSystemd: true },
  missingCapabilities: [],
  appArmorProfile: undefined,
  nftables: 'works',
};

export const lan = { name: 'eth0', addresses: [{ address: '10.1.2.3', prefixLength: 24 }] };
export const bridge = { name: 'hotspare0', addresses: [{ address: '192.168.11.1', prefixLength: 24 }] };

export function hostFacts(change: Partial<HostFacts> = {}): HostFacts {
  return {
    platform: 'linux',
    architecture: 'x64',
    isRoot: true,
    nodeVersion: '20.19.0',
    vagrant: { state: 'found', version: '2.3.4' },
    plugins: ['vagrant-lxc'],
    interfaces: [lan, bridge],
    routes: [{ address: '10.1.2.0', prefixLength: 24, interface: 'eth0' }],
    takenAddresses: [],
    memory: { totalMb: 16_000, availableMb: 8_000 },
    cpus: 4,
    disk: { path: '/var/lib', freeMb: 50_000 },
    opensslCommand: true,
    tls: { state: 'none-given' },
    virtualbox: goodVirtualBox,
    lxc: goodLxc,
    ...change,
  };
}

export const withLxc = (change: Partial<LxcFacts>) => hostFacts({ lxc: { ...goodLxc, ...change } });

/** On a VirtualBox host nothing is on 192.168.11.x before the first box. */
export const withVirtualBox = (change: Partial<VirtualBoxFacts>, other: Partial<HostFacts> = {}) =>
  hostFacts({ interfaces: [lan], virtualbox: { ...goodVirtualBox, ...change }, ...other });

export function lxcPlan(change: Partial<Plan> = {}): Plan {
  const subnet = change.subnet ?? '192.168.11';
  const box = (name: string, host: number) => ({
    name,
    address: `${subnet}.${host}`,
    exists: false,
    running: false,
  });
  return {
    provider: 'lxc',
    subnet,
    boxes: [box('adm1', 5), box('pg1', 11), box('pg2', 12), box('nginx1', 21), box('nginx2', 22)],
    bridge: 'hotspare0',
    containerPrefix: '',
    memoryPerBoxMb: 160,
    boxName: 'hotspare/bookworm',
    ...change,
  };
}

export const virtualBoxPlan = (change: Partial<Plan> = {}) =>
  lxcPlan({ provider: 'virtualbox', boxName: 'debian/bookworm64', memoryPerBoxMb: 768, ...change });

/** The plan with boxes that an earlier `vagrant up` made. */
export function made(plan: Plan, state: 'running' | 'stopped' | 'frozen', names?: readonly string[]): Plan {
  return {
    ...plan,
    boxes: plan.boxes.map((box) =>
      names && !names.includes(box.name)
        ? box
        : { ...box, exists: true, running: state !== 'stopped', frozen: state === 'frozen' },
    ),
  };
}

/** A row that must give a finding: of it, this text and, in one of the mends, that. */
export type Bad = readonly [
  about: string,
  facts: HostFacts,
  plan: Plan,
  code: FindingCode,
  severity: Finding['severity'],
  what: RegExp,
  mend: RegExp,
];
/** A row that must not. */
export type Good = readonly [about: string, facts: HostFacts, plan: Plan, without: FindingCode];

export const conf = (text: string) => ({ networksConf: { state: 'read', text } as const });
export const noConf = { networksConf: { state: 'absent' } as const };
export const vbox = (version: string) => ({ program: { state: 'found', version } as const });
export const host = (name: string, address: string, prefixLength = 24) => ({
  name,
  addresses: [{ address, prefixLength }],
});
export const route = (address: string, prefixLength: number, name: string) => ({
  address,
  prefixLength,
  interface: name,
});
export const before = { provider: 'lxc', subnet: '192.168.11', containerPrefix: '' } as const;
export const running = made(lxcPlan({ madeWith: before }), 'running');
