import type { HostFacts } from '../../../../vagrant/preflight/model.js';
import {
  bridge,
  hostFacts,
  goodLxc,
  lan,
  lxcPlan,
  virtualBoxPlan,
  withVirtualBox,
  host,
  route,
  running,
  type Bad,
  type Good,
} from '../builders.js';

function withLxcBridge(address: string): HostFacts {
  const addresses = [{ address, prefixLength: 24 }];
  return hostFacts({
    interfaces: [lan, { name: 'hotspare0', addresses }],
    lxc: { ...goodLxc, bridge: { state: 'present', up: true, addresses, ports: [] } },
  });
}

export const bad: readonly Bad[] = [
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
];

export const good: readonly Good[] = [
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
];
