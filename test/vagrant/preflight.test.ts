import { describe, expect, test } from 'vitest';
import { preflight } from '../../vagrant/preflight/checks.js';
import { automaticSubnet } from '../../vagrant/preflight/checks/virtualbox.js';
import {
  findingCodes,
  type Finding,
  type FindingCode,
  type HostFacts,
  type Plan,
} from '../../vagrant/preflight/model.js';
import {
  bridge,
  goodLxc,
  hostFacts,
  lan,
  lxcPlan,
  made,
  virtualBoxPlan,
  withLxc,
  withVirtualBox,
} from './builders.js';

type Severity = Finding['severity'];
/** What is said of it: this text and, in one of the mends, that. */
type Bad = readonly [
  about: string,
  facts: HostFacts,
  plan: Plan,
  code: FindingCode,
  severity: Severity,
  what: RegExp,
  mend: RegExp,
];
type Good = readonly [about: string, facts: HostFacts, plan: Plan, without: FindingCode];

const conf = (text: string) => ({ networksConf: { state: 'read', text } as const });
const noConf = { networksConf: { state: 'absent' } as const };
const vbox = (version: string) => ({ program: { state: 'found', version } as const });
const host = (name: string, address: string, prefixLength = 24) => ({
  name,
  addresses: [{ address, prefixLength }],
});
const route = (address: string, prefixLength: number, name: string) => ({
  address,
  prefixLength,
  interface: name,
});
const given = {
  state: 'given',
  certificate: 'site.pem',
  key: 'site.key',
  match: true,
  expired: false,
  expires: 'Jan  1 00:00:00 2031 GMT',
} as const;
const before = { provider: 'lxc', subnet: '192.168.11', containerPrefix: '' } as const;
const unified = goodLxc.cgroups;

const bad: Bad[] = [
  [
    'Node',
    hostFacts({ nodeVersion: '20.18.3' }),
    lxcPlan(),
    'node-too-old',
    'error',
    /Node is 20\.18\.3/,
    /nvm install/,
  ],
  [
    'no Vagrant',
    hostFacts({ vagrant: { state: 'absent' } }),
    lxcPlan(),
    'vagrant-missing',
    'error',
    /no vagrant in PATH/,
    /apt install vagrant vagrant-lxc/,
  ],
  [
    'a broken Vagrant',
    hostFacts({ vagrant: { state: 'failed', said: 'cannot load such file' } }),
    lxcPlan(),
    'vagrant-failed',
    'error',
    /cannot load such file/,
    /vagrant --version/,
  ],
  [
    'an old Vagrant',
    hostFacts({ vagrant: { state: 'found', version: '2.2.14' } }),
    lxcPlan(),
    'vagrant-too-old',
    'error',
    /2\.2\.14; the boxes need 2\.2\.19/,
    /apt install vagrant/,
  ],
  [
    'another subnet than that of the boxes',
    hostFacts(),
    made(lxcPlan({ subnet: '192.168.56', madeWith: before }), 'running', ['pg1']),
    'settings-changed',
    'error',
    /192\.168\.56\.x, but pg1 exists with 192\.168\.11\.x/,
    /HOTSPARE_SUBNET=192\.168\.11 vagrant destroy -f && HOTSPARE_SUBNET=192\.168\.56 vagrant up .*data/,
  ],
  [
    'another provider',
    withVirtualBox({}),
    made(virtualBoxPlan({ madeWith: before }), 'stopped'),
    'settings-changed',
    'error',
    /virtualbox, but adm1, .* exist under lxc/,
    /vagrant up --provider lxc/,
  ],
  [
    'another prefix',
    hostFacts(),
    made(lxcPlan({ containerPrefix: 'a-', madeWith: before }), 'stopped'),
    'settings-changed',
    'error',
    /begin with "a-"/,
    /HOTSPARE_LXC_PREFIX= vagrant up --provider lxc/,
  ],
  [
    "the host's own address",
    hostFacts(),
    lxcPlan({ boxes: [{ name: 'adm1', address: '192.168.11.1', exists: false, running: false }] }),
    'address-reserved',
    'error',
    /adm1 is to have 192\.168\.11\.1, which is this machine's own/,
    /2 to 254/,
  ],
  [
    'an address of the network',
    hostFacts(),
    lxcPlan({ boxes: [{ name: 'adm1', address: '192.168.11.255', exists: false, running: false }] }),
    'address-reserved',
    'error',
    /names the network/,
    /2 to 254/,
  ],
  [
    'the subnet at home',
    hostFacts({ interfaces: [bridge, host('wlan0', '192.168.11.37')] }),
    lxcPlan(),
    'subnet-in-use',
    'error',
    /192\.168\.11\.37\/24 on wlan0/,
    /HOTSPARE_SUBNET=192\.168\.56 vagrant up/,
  ],
  [
    'a larger network around it',
    hostFacts({ interfaces: [bridge, host('eth0', '192.168.1.2', 16)] }),
    lxcPlan(),
    'subnet-in-use',
    'error',
    /192\.168\.1\.2\/16 on eth0/,
    /HOTSPARE_SUBNET=A\.B\.C/,
  ],
  [
    'the bridge of LXC boxes, for VirtualBox',
    withVirtualBox({}, { interfaces: [lan, bridge] }),
    virtualBoxPlan(),
    'subnet-in-use',
    'error',
    /on hotspare0/,
    /^sudo vagrant\/lxc-bridge down /,
  ],
  [
    'a VPN',
    hostFacts({ routes: [route('192.168.0.0', 20, 'tun0')] }),
    lxcPlan(),
    'subnet-routed',
    'warning',
    /192\.168\.0\.0\/20 through tun0/,
    /HOTSPARE_SUBNET=192\.168\.56/,
  ],
  [
    'a static route into the own network',
    hostFacts({
      interfaces: [bridge, host('eth0', '192.168.1.2')],
      routes: [route('192.168.0.0', 16, 'eth0')],
    }),
    lxcPlan(),
    'subnet-routed',
    'warning',
    /through eth0/,
    /HOTSPARE_SUBNET=A\.B\.C/,
  ],
  [
    'an address that answers',
    hostFacts({
      takenAddresses: [{ address: '192.168.11.12', how: 'answers to ping', mac: '00:16:3e:01:02:03' }],
    }),
    lxcPlan(),
    'address-taken',
    'error',
    /192\.168\.11\.12, meant for pg2, is taken: something there answers to ping \(hardware address 00:16/,
    /HOTSPARE_SUBNET/,
  ],
  [
    'a bridge with another own address',
    withLxcBridge('192.168.11.254'),
    lxcPlan(),
    'host-address-differs',
    'error',
    /has 192\.168\.11\.254 on hotspare0; the boxes admit 192\.168\.11\.1$/,
    /ip addr add 192\.168\.11\.1\/24 dev hotspare0/,
  ],
  [
    'a host-only network with another own address',
    withVirtualBox({}, { interfaces: [lan, host('vboxnet0', '192.168.11.5')] }),
    virtualBoxPlan(),
    'host-address-differs',
    'error',
    /has 192\.168\.11\.5 on vboxnet0/,
    /VBoxManage hostonlyif ipconfig "vboxnet0" --ip 192\.168\.11\.1/,
  ],
  [
    'too little memory',
    withVirtualBox({}, { memory: { totalMb: 4_000, availableMb: 3_000 } }),
    virtualBoxPlan(),
    'memory-short',
    'error',
    /5 boxes of 768 MB need 3840 MB, and 3000 MB are free/,
    /topology\.json/,
  ],
  [
    'too little memory where only the total is known',
    withVirtualBox({}, { memory: { totalMb: 2_000, availableMb: undefined } }),
    virtualBoxPlan(),
    'memory-short',
    'error',
    /2000 MB are there at all/,
    /close other programs/,
  ],
  [
    'just enough memory',
    withVirtualBox({}, { memory: { totalMb: 8_000, availableMb: 4_000 } }),
    virtualBoxPlan(),
    'memory-tight',
    'warning',
    /3840 MB, and 4000 MB/,
    /close/,
  ],
  [
    'a full disk',
    hostFacts({ disk: { path: '/var/lib/lxc', freeMb: 1_000 } }),
    lxcPlan(),
    'disk-short',
    'error',
    /1000 MB are free in \/var\/lib\/lxc/,
    /make room/,
  ],
  ['one CPU', hostFacts({ cpus: 1 }), lxcPlan(), 'cpu-single', 'warning', /one CPU/, /^$/],
  [
    'a key without certificate',
    hostFacts({ tls: { state: 'half-given', missing: 'HOTSPARE_TLS_CERT' } }),
    lxcPlan(),
    'tls-half-given',
    'error',
    /HOTSPARE_TLS_CERT is not set/,
    /unset both/,
  ],
  [
    'an unreadable key',
    hostFacts({ tls: { state: 'unusable', file: 'site.key', why: 'it is protected by a passphrase' } }),
    lxcPlan(),
    'tls-unusable',
    'error',
    /site\.key cannot be used: it is protected/,
    /PEM/,
  ],
  [
    "another one's key",
    hostFacts({ tls: { ...given, match: false } }),
    lxcPlan(),
    'tls-mismatch',
    'error',
    /the key site\.key is not that of the certificate site\.pem/,
    /the key the certificate was made with/,
  ],
  [
    'an old certificate',
    hostFacts({ tls: { ...given, expired: true } }),
    lxcPlan(),
    'tls-expired',
    'error',
    /valid until Jan/,
    /renew/,
  ],
  [
    'no openssl',
    hostFacts({ opensslCommand: false }),
    lxcPlan(),
    'openssl-missing',
    'error',
    /no openssl/,
    /apt install openssl/,
  ],

  [
    'no VirtualBox',
    withVirtualBox({ program: { state: 'absent' } }),
    virtualBoxPlan(),
    'virtualbox-missing',
    'error',
    /not installed/,
    /--provider lxc/,
  ],
  [
    'a broken VirtualBox',
    withVirtualBox({ program: { state: 'failed', said: 'segmentation fault' } }),
    virtualBoxPlan(),
    'virtualbox-failed',
    'error',
    /segmentation/,
    /VBoxManage --version/,
  ],
  [
    'no kernel module',
    withVirtualBox({
      program: { state: 'found', version: '7.0.20', warning: '/dev/vboxdrv does not exist' },
    }),
    virtualBoxPlan(),
    'virtualbox-kernel-module',
    'error',
    /vboxdrv does not exist/,
    /modprobe vboxdrv/,
  ],
  [
    'a VirtualBox this Vagrant does not know',
    withVirtualBox(vbox('7.1.4')),
    virtualBoxPlan(),
    'virtualbox-too-new',
    'error',
    /Vagrant 2\.3\.4 does not know VirtualBox 7\.1\.4; it takes Vagrant 2\.4\.2/,
    /newer Vagrant/,
  ],
  [
    'a VirtualBox nobody knows yet',
    withVirtualBox(vbox('7.5.0')),
    virtualBoxPlan(),
    'virtualbox-too-new',
    'warning',
    /may not know VirtualBox 7\.5\.0/,
    /newest Vagrant/,
  ],
  [
    'an ARM machine',
    withVirtualBox({}, { architecture: 'arm64' }),
    virtualBoxPlan(),
    'box-architecture',
    'error',
    /arm64/,
    /--provider lxc/,
  ],
  [
    'no virtualisation',
    withVirtualBox({ cpuCanVirtualise: false }),
    virtualBoxPlan(),
    'cpu-cannot-virtualise',
    'error',
    /VT-x nor AMD-V/,
    /firmware/,
  ],
  [
    "KVM's machines",
    withVirtualBox({ kvm: { module: 'kvm_amd', users: 2, holdsCpu: false } }),
    virtualBoxPlan(),
    'kvm-in-use',
    'warning',
    /KVM runs/,
    /modprobe -r kvm_amd kvm/,
  ],
  [
    'KVM that holds the CPU',
    withVirtualBox({ kvm: { module: 'kvm_intel', users: 0, holdsCpu: true } }),
    virtualBoxPlan(),
    'kvm-in-use',
    'warning',
    /as long as its module/,
    /modprobe -r kvm_intel kvm/,
  ],
  [
    'no networks.conf',
    withVirtualBox(noConf),
    virtualBoxPlan(),
    'networks-conf-forbids',
    'error',
    /VirtualBox 7\.0\.20 refuses .* outside 192\.168\.56\.0\/21, and 192\.168\.11\.x/,
    /echo '\* 192\.168\.56\.0\/21 192\.168\.11\.0\/24' \| sudo tee \/etc\/vbox\/networks\.conf {3}# or allow it$/,
  ],
  [
    'no networks.conf, the mend by subnet',
    withVirtualBox(noConf),
    virtualBoxPlan(),
    'networks-conf-forbids',
    'error',
    /./,
    /^HOTSPARE_SUBNET=192\.168\.56 vagrant up/,
  ],
  [
    '6.1.28',
    withVirtualBox({ ...noConf, ...vbox('6.1.28') }),
    virtualBoxPlan(),
    'networks-conf-forbids',
    'error',
    /6\.1\.28 refuses/,
    /./,
  ],
  [
    'VirtualBox 6.1 on macOS',
    withVirtualBox({ ...noConf, ...vbox('6.1.50') }, { platform: 'darwin' }),
    virtualBoxPlan(),
    'networks-conf-forbids',
    'error',
    /6\.1\.50/,
    /./,
  ],
  [
    'a networks.conf for others',
    withVirtualBox(conf('# mine\n* 10.0.0.0/8 192.168.56.0/21\n')),
    virtualBoxPlan(),
    'networks-conf-forbids',
    'error',
    /allows 10\.0\.0\.0\/8, 192\.168\.56\.0\/21, and 192\.168\.11\.x/,
    /echo '\* 192\.168\.11\.0\/24' \| sudo tee -a/,
  ],
  [
    'a networks.conf that forbids 192.168.56 too',
    withVirtualBox(conf('* 10.0.0.0/8')),
    virtualBoxPlan(),
    'networks-conf-forbids',
    'error',
    /10\.0\.0\.0\/8/,
    /^echo .* # or allow it too$/,
  ],
  [
    'an empty networks.conf',
    withVirtualBox(conf('')),
    virtualBoxPlan(),
    'networks-conf-forbids',
    'error',
    /allows no IPv4 network at all/,
    /tee -a/,
  ],
  [
    'a range that holds half of the boxes',
    withVirtualBox(conf('* 192.168.11.0/28')),
    virtualBoxPlan(),
    'networks-conf-forbids',
    'error',
    /192\.168\.11\.0\/28/,
    /tee -a/,
  ],
  [
    'a comment behind a range',
    withVirtualBox(conf('\n* 192.168.0.0/16 # all\n')),
    virtualBoxPlan(),
    'networks-conf-garbled',
    'error',
    /line 2: "#" is no address range/,
    /sudoedit/,
  ],
  [
    'an unreadable networks.conf',
    withVirtualBox({ networksConf: { state: 'unreadable', why: 'EACCES: permission denied' } }),
    virtualBoxPlan(),
    'networks-conf-unreadable',
    'error',
    /EACCES/,
    /chmod a\+r/,
  ],
  [
    "VirtualBox' NAT",
    withVirtualBox(conf('* 0.0.0.0/0')),
    virtualBoxPlan({ subnet: '10.0.2' }),
    'subnet-is-nat',
    'error',
    /NAT/,
    /HOTSPARE_SUBNET=192\.168\.56/,
  ],

  [
    'LXC on macOS',
    hostFacts({ platform: 'darwin' }),
    lxcPlan(),
    'lxc-needs-linux',
    'error',
    /Linux only/,
    /--provider virtualbox/,
  ],
  [
    'no LXC',
    withLxc({ program: { state: 'absent' } }),
    lxcPlan(),
    'lxc-missing',
    'error',
    /not installed/,
    /apt install lxc/,
  ],
  [
    'a broken LXC',
    withLxc({ program: { state: 'failed', said: 'no liblxc' } }),
    lxcPlan(),
    'lxc-failed',
    'error',
    /no liblxc/,
    /reinstall/,
  ],
  [
    'an old LXC',
    withLxc({ program: { state: 'found', version: '3.1.0' } }),
    lxcPlan(),
    'lxc-too-old',
    'error',
    /3\.1\.0; the boxes need 4\.0/,
    /apt install lxc/,
  ],
  [
    'no plugin',
    hostFacts({ plugins: ['vagrant-libvirt'] }),
    lxcPlan(),
    'plugin-missing',
    'error',
    /no plugin vagrant-lxc/,
    /vagrant plugin install vagrant-lxc/,
  ],
  [
    'not root',
    hostFacts({ isRoot: false }),
    lxcPlan(),
    'root-needed',
    'error',
    /only root/,
    /sudo vagrant up --provider lxc/,
  ],
  [
    'root without power',
    withLxc({ missingCapabilities: ['CAP_SYS_ADMIN'] }),
    lxcPlan(),
    'not-privileged',
    'error',
    /CAP_SYS_ADMIN is missing/,
    /privileged container/,
  ],
  [
    'inside AppArmor',
    withLxc({ appArmorProfile: 'docker-default' }),
    lxcPlan(),
    'apparmor-confined',
    'warning',
    /docker-default/,
    /nesting/,
  ],
  ['no ip', withLxc({ ipCommand: false }), lxcPlan(), 'ip-missing', 'error', /"ip"/, /iproute2/],
  [
    'no bridge',
    withLxc({ bridge: { state: 'absent' } }),
    lxcPlan(),
    'bridge-missing',
    'error',
    /no bridge hotspare0/,
    /^sudo vagrant\/lxc-bridge up$/,
  ],
  [
    'no bridge of another name',
    withLxc({ bridge: { state: 'absent' } }),
    lxcPlan({ bridge: 'br1', subnet: '10.9.8' }),
    'bridge-missing',
    'error',
    /no bridge br1/,
    /^sudo vagrant\/lxc-bridge up --bridge br1 --subnet 10\.9\.8$/,
  ],
  [
    'an interface in its place',
    withLxc({ bridge: { state: 'other-interface' } }),
    lxcPlan(),
    'bridge-not-a-bridge',
    'error',
    /is no bridge/,
    /HOTSPARE_LXC_BRIDGE/,
  ],
  [
    'a bridge that is down',
    withLxc({ bridge: { state: 'present', up: false, addresses: bridge.addresses, ports: [] } }),
    lxcPlan(),
    'bridge-down',
    'error',
    /is down/,
    /ip link set hotspare0 up/,
  ],
  [
    'a bridge of another subnet',
    hostFacts(),
    lxcPlan({ subnet: '192.168.56' }),
    'bridge-other-subnet',
    'error',
    /has 192\.168\.11\.1\/24, and the boxes are to be 192\.168\.56\.x/,
    /^sudo vagrant\/lxc-bridge down && sudo vagrant\/lxc-bridge up --subnet 192\.168\.56$/,
  ],
  [
    'the same with containers on it',
    withLxc({ bridge: { state: 'present', up: true, addresses: [], ports: ['ve-other'] } }),
    lxcPlan(),
    'bridge-other-subnet',
    'error',
    /has no address/,
    /stop the containers on it \(ve-other\)/,
  ],
  [
    'a firewall that knows no bridges',
    withLxc({ bridgeFiltered: true }),
    lxcPlan(),
    'bridge-filtered',
    'warning',
    /may not reach each other/,
    /iptables -I FORWARD -i hotspare0 -o hotspare0 -j ACCEPT/,
  ],
  [
    "somebody else's container",
    withLxc({ containers: ['x-pg1', 'pg1'] }),
    lxcPlan(),
    'container-taken',
    'error',
    /container pg1 already/,
    /HOTSPARE_LXC_PREFIX=/,
  ],
  [
    "somebody else's container by its prefix",
    withLxc({ containers: ['x-pg1', 'pg1'] }),
    lxcPlan({ containerPrefix: 'x-' }),
    'container-taken',
    'error',
    /container x-pg1 already/,
    /lxc-destroy -f -n x-pg1/,
  ],
  [
    'an interface left behind',
    hostFacts({ interfaces: [bridge, { name: 've-pg1', addresses: [] }] }),
    made(lxcPlan(), 'stopped'),
    'interface-taken',
    'error',
    /ve-pg1 although pg1 does not run/,
    /ip link delete ve-pg1/,
  ],
  [
    'a long prefix',
    hostFacts(),
    lxcPlan({ containerPrefix: 'experiment-' }),
    'interface-name-too-long',
    'error',
    /ve-experiment-adm1, which has 18 letters; Linux allows 15/,
    /shorter HOTSPARE_LXC_PREFIX/,
  ],
  [
    'no box',
    withLxc({ box: 'absent' }),
    lxcPlan(),
    'box-missing',
    'error',
    /no box hotspare\/bookworm/,
    /sudo vagrant\/build-lxc-box/,
  ],
  [
    'no control groups',
    withLxc({ cgroups: { layout: 'none', writable: false, forSystemd: false } }),
    lxcPlan(),
    'cgroups-missing',
    'error',
    /no control groups/,
    /mount -t cgroup2/,
  ],
  [
    'read-only control groups',
    withLxc({ cgroups: { ...unified, writable: false } }),
    lxcPlan(),
    'cgroups-read-only',
    'error',
    /read-only/,
    /privileged/,
  ],
  [
    'control groups without systemd',
    withLxc({ cgroups: { layout: 'legacy', writable: true, forSystemd: false } }),
    lxcPlan(),
    'cgroups-without-systemd',
    'error',
    /for systemd/,
    /name=systemd/,
  ],
  [
    'no nftables',
    withLxc({ nftables: 'missing' }),
    lxcPlan(),
    'nftables-missing',
    'error',
    /nftables/,
    /modprobe nf_tables/,
  ],
];

function withLxcBridge(address: string): HostFacts {
  const addresses = [{ address, prefixLength: 24 }];
  return hostFacts({
    interfaces: [lan, { name: 'hotspare0', addresses }],
    lxc: { ...goodLxc, bridge: { state: 'present', up: true, addresses, ports: [] } },
  });
}

describe('what goes wrong is found, and the mend said', () => {
  test.each(bad)('%s', (_, facts, plan, code, severity, what, mend) => {
    const found = preflight(facts, plan).filter((finding) => finding.code === code);
    expect(found.map((finding) => finding.severity)).toContain(severity);
    expect(found.map((finding) => finding.what).join('\n')).toMatch(what);
    const steps = found.flatMap((finding) => finding.mend);
    expect(steps.length === 0 ? [''] : steps).toContainEqual(expect.stringMatching(mend));
  });

  test('there is a row for every finding', () => {
    expect(new Set(bad.map(([, , , code]) => code))).toEqual(new Set(findingCodes));
  });
});

const running = made(lxcPlan({ madeWith: before }), 'running');
const good: Good[] = [
  ['20.19 itself', hostFacts({ nodeVersion: '20.19.0' }), lxcPlan(), 'node-too-old'],
  ['Node 22', hostFacts({ nodeVersion: '22.3.0' }), lxcPlan(), 'node-too-old'],
  [
    '2.2.19 itself',
    hostFacts({ vagrant: { state: 'found', version: '2.2.19' } }),
    lxcPlan(),
    'vagrant-too-old',
  ],
  [
    'other settings, but no box yet',
    hostFacts(),
    lxcPlan({ madeWith: { ...before, subnet: '10.1.1' } }),
    'settings-changed',
  ],
  ['the same settings', hostFacts(), running, 'settings-changed'],
  [
    'a prefix, which VirtualBox has no use for',
    withVirtualBox({}),
    made(
      virtualBoxPlan({ containerPrefix: 'a-', madeWith: { ...before, provider: 'virtualbox' } }),
      'stopped',
    ),
    'settings-changed',
  ],
  [
    'a neighbouring subnet',
    hostFacts({ interfaces: [bridge, host('eth0', '192.168.12.1')] }),
    lxcPlan(),
    'subnet-in-use',
  ],
  ['our own bridge', hostFacts(), lxcPlan(), 'subnet-in-use'],
  [
    "VirtualBox' own network",
    withVirtualBox({}, { interfaces: [lan, host('vboxnet0', '192.168.11.1')] }),
    virtualBoxPlan(),
    'subnet-in-use',
  ],
  [
    "VirtualBox' own network of another name",
    withVirtualBox(
      { hostOnlyNetworks: [{ name: 'HostNetwork', address: '192.168.11.1', prefixLength: 24 }] },
      { interfaces: [lan, host('bridge100', '192.168.11.1')] },
    ),
    virtualBoxPlan(),
    'subnet-in-use',
  ],
  [
    'the route of our own bridge',
    hostFacts({ routes: [route('192.168.11.0', 24, 'hotspare0')] }),
    lxcPlan(),
    'subnet-routed',
  ],
  [
    'a default route in two halves',
    hostFacts({ routes: [route('0.0.0.0', 1, 'tun0'), route('128.0.0.0', 1, 'tun0')] }),
    lxcPlan(),
    'subnet-routed',
  ],
  [
    'an answer of a box of ours',
    hostFacts({ takenAddresses: [{ address: '192.168.11.11', how: 'answers to ping' }] }),
    running,
    'address-taken',
  ],
  [
    '.1 beside another address',
    hostFacts({
      interfaces: [
        lan,
        {
          name: 'hotspare0',
          addresses: [{ address: '192.168.11.254', prefixLength: 24 }, ...bridge.addresses],
        },
      ],
    }),
    lxcPlan(),
    'host-address-differs',
  ],
  [
    'boxes that run need no more memory',
    hostFacts({ memory: { totalMb: 1_000, availableMb: 100 } }),
    running,
    'memory-short',
  ],
  [
    'memory enough',
    withVirtualBox({}, { memory: { totalMb: 8_000, availableMb: 7_000 } }),
    virtualBoxPlan(),
    'memory-tight',
  ],
  [
    'boxes that exist need no more room',
    hostFacts({ disk: { path: '/', freeMb: 10 } }),
    made(lxcPlan(), 'stopped'),
    'disk-short',
  ],
  ['room unknown', hostFacts({ disk: undefined }), lxcPlan(), 'disk-short'],
  ['a good certificate', hostFacts({ tls: given, opensslCommand: false }), lxcPlan(), 'tls-mismatch'],
  [
    'a good certificate needs no openssl',
    hostFacts({ tls: given, opensslCommand: false }),
    lxcPlan(),
    'openssl-missing',
  ],
  [
    'nor does one from before',
    hostFacts({ tls: { state: 'kept' }, opensslCommand: false }),
    lxcPlan(),
    'openssl-missing',
  ],
  [
    'Vagrant 2.4.2 knows 7.1',
    withVirtualBox(vbox('7.1.4'), { vagrant: { state: 'found', version: '2.4.2' } }),
    virtualBoxPlan(),
    'virtualbox-too-new',
  ],
  [
    'every Vagrant knows 6.1',
    withVirtualBox(vbox('6.1.50'), { vagrant: { state: 'found', version: '2.2.19' } }),
    virtualBoxPlan(),
    'virtualbox-too-new',
  ],
  [
    'a CPU nobody asked',
    withVirtualBox({ cpuCanVirtualise: undefined }),
    virtualBoxPlan(),
    'cpu-cannot-virtualise',
  ],
  [
    'KVM at rest',
    withVirtualBox({ kvm: { module: 'kvm_amd', users: 0, holdsCpu: false } }),
    virtualBoxPlan(),
    'kvm-in-use',
  ],
  [
    'a VirtualBox that shares with KVM',
    withVirtualBox({ ...vbox('7.2.10'), kvm: { module: 'kvm_amd', users: 0, holdsCpu: true } }),
    virtualBoxPlan(),
    'kvm-in-use',
  ],
  ['6.1.26', withVirtualBox({ ...noConf, ...vbox('6.1.26') }), virtualBoxPlan(), 'networks-conf-forbids'],
  ['Windows', withVirtualBox(noConf, { platform: 'windows' }), virtualBoxPlan(), 'networks-conf-forbids'],
  [
    'VirtualBox 7 on macOS',
    withVirtualBox(noConf, { platform: 'darwin' }),
    virtualBoxPlan(),
    'networks-conf-forbids',
  ],
  ['192.168.56', withVirtualBox(noConf), virtualBoxPlan({ subnet: '192.168.56' }), 'networks-conf-forbids'],
  [
    '192.168.63, the last',
    withVirtualBox(noConf),
    virtualBoxPlan({ subnet: '192.168.63' }),
    'networks-conf-forbids',
  ],
  [
    'the second range of a line',
    withVirtualBox(conf('* 10.0.0.0/8\t192.168.11.0/24 2001::/64')),
    virtualBoxPlan(),
    'networks-conf-forbids',
  ],
  [
    'several lines',
    withVirtualBox(conf('*2001::/64\r\n* 192.168.11.0/24\r\n')),
    virtualBoxPlan(),
    'networks-conf-forbids',
  ],
  [
    'ranges of IPv6',
    withVirtualBox(conf('* 0.0.0.0/0 ::/0 fe80::1')),
    virtualBoxPlan(),
    'networks-conf-garbled',
  ],
  [
    'comments',
    withVirtualBox(conf('# * nonsense\nwhatever\n* 192.168.11.0/24')),
    virtualBoxPlan(),
    'networks-conf-garbled',
  ],
  ['the plugin among others', hostFacts({ plugins: ['a', 'vagrant-lxc'] }), lxcPlan(), 'plugin-missing'],
  ['plugins unknown', hostFacts({ plugins: undefined }), lxcPlan(), 'plugin-missing'],
  ['no plugin needed', withVirtualBox({}, { plugins: [] }), virtualBoxPlan(), 'plugin-missing'],
  ['VirtualBox needs no root', withVirtualBox({}, { isRoot: false }), virtualBoxPlan(), 'root-needed'],
  ['no bridge needed', withVirtualBox({}), virtualBoxPlan(), 'bridge-missing'],
  [
    'our own container',
    withLxc({ containers: ['pg1'] }),
    made(lxcPlan(), 'stopped', ['pg1']),
    'container-taken',
  ],
  [
    'the interface of a running box',
    hostFacts({ interfaces: [bridge, { name: 've-pg1', addresses: [] }] }),
    running,
    'interface-taken',
  ],
  ['a prefix that just fits', hostFacts(), lxcPlan({ containerPrefix: 'abcde-' }), 'interface-name-too-long'],
  ['the box is needed no more', withLxc({ box: 'absent' }), made(lxcPlan(), 'stopped'), 'box-missing'],
  ['a firewall nobody could ask', withLxc({ bridgeFiltered: undefined }), lxcPlan(), 'bridge-filtered'],
  ['nftables unknown', withLxc({ nftables: 'unknown' }), lxcPlan(), 'nftables-missing'],
];

describe('what is well is left alone', () => {
  test.each(good)('%s', (_, facts, plan, code) => {
    expect(preflight(facts, plan).map((finding) => finding.code)).not.toContain(code);
  });

  test('on a good host nothing is found, by either provider', () => {
    expect(preflight(hostFacts(), lxcPlan())).toEqual([]);
    expect(preflight(hostFacts(), running)).toEqual([]);
    expect(preflight(withVirtualBox({}), virtualBoxPlan())).toEqual([]);
  });
});

test('errors come before warnings', () => {
  const facts = hostFacts({ cpus: 1, opensslCommand: false });
  expect(preflight(facts, lxcPlan()).map(({ severity }) => severity)).toEqual(['error', 'warning']);
});

test('no finding ends in a full stop, and no command spans lines', () => {
  for (const finding of bad.flatMap(([, facts, plan]) => preflight(facts, plan))) {
    expect(finding.what).not.toMatch(/\.$|\n/);
    for (const step of finding.mend) expect(step).not.toMatch(/\n/);
  }
});

describe('the subnet nobody asked for', () => {
  test.each([
    ['is the wanted one where that is allowed', withVirtualBox({}), virtualBoxPlan(), '192.168.11'],
    ['is 192.168.56 where it is not', withVirtualBox(noConf), virtualBoxPlan(), '192.168.56'],
    ['is left where nothing helps', withVirtualBox(conf('* 10.0.0.0/8')), virtualBoxPlan(), '192.168.11'],
    ['is left to LXC', withVirtualBox(noConf), lxcPlan(), '192.168.11'],
  ])('%s', (_, facts, plan, subnet) => {
    const answer = automaticSubnet(facts, plan);
    expect(answer.subnet).toBe(subnet);
    expect(answer.reason === undefined).toBe(subnet === plan.subnet);
  });
});
