import { lxcBridge, note, takeSubnet } from '../mends.js';
import { contains, networkOf, overlap } from '../ipv4.js';
import {
  error,
  warning,
  type Finding,
  type HostFacts,
  type NetworkAddress,
  type NetworkInterface,
  type Plan,
} from '../model.js';

/** Rules about addresses that hold for every provider. */
export function networkFindings(facts: HostFacts, plan: Plan): Finding[] {
  return [
    ...reserved(plan),
    ...inUse(facts, plan),
    ...routed(facts, plan),
    ...taken(facts, plan),
    ...hostAddress(facts, plan),
  ];
}

function reserved(plan: Plan): Finding[] {
  return plan.boxes
    .filter(({ address }) => /\.(0|1|255)$/.test(address))
    .map(({ name, address }) =>
      error(
        'address-reserved',
        address.endsWith('.1')
          ? `${name} is to have ${address}, which is this machine's own address among the boxes`
          : `${name} is to have ${address}, which names the network and no machine`,
        `give ${name} a number from 2 to 254 in vagrant/topology.json`,
      ),
    );
}

/** Interfaces that do not belong to the boxes: addresses of the subnet behind them would be mixed up with the boxes'. */
function inUse(facts: HostFacts, plan: Plan): Finding[] {
  return facts.interfaces
    .filter(({ name }) => !isOurs(facts, plan, name))
    .flatMap(({ name, addresses }) => addresses.map((address) => ({ name, ...address })))
    .filter((address) => overlap(address, networkOf(plan.subnet)))
    .map(({ name, address, prefixLength }) =>
      error(
        'subnet-in-use',
        `${plan.subnet}.x is in use already: this machine has ${address}/${prefixLength} on ${name}`,
        ...(name === plan.bridge
          ? [note(lxcBridge('down', plan), 'if the containers on it are no longer needed')]
          : []),
        otherSubnet(facts, plan),
      ),
    );
}

/** More exact than the default route, such as a VPN's: works, but hides what is there while the boxes are up. */
function routed(facts: HostFacts, plan: Plan): Finding[] {
  return facts.routes
    .filter((route) => isSpecific(route) && overlap(route, networkOf(plan.subnet)))
    .filter((route) => !isConnected(facts, route))
    .slice(0, 1)
    .map((route) =>
      warning(
        'subnet-routed',
        `this machine reaches ${route.address}/${route.prefixLength} through ${route.interface}; of it, ${plan.subnet}.x is hidden while the boxes are up`,
        otherSubnet(facts, plan),
      ),
    );
}

/** Shorter ones are default routes in pieces (0.0.0.0/1 and 128.0.0.0/1). */
const isSpecific = ({ prefixLength }: NetworkAddress) => prefixLength >= 8;

/** Whether the route is the one that comes with an interface's own address: that is looked at by itself. */
function isConnected(facts: HostFacts, route: HostFacts['routes'][number]): boolean {
  const own = facts.interfaces.find(({ name }) => name === route.interface)?.addresses ?? [];
  return own.some((address) => address.prefixLength === route.prefixLength && overlap(address, route));
}

function taken(facts: HostFacts, plan: Plan): Finding[] {
  return facts.takenAddresses.flatMap(({ address, how, mac }) => {
    const box = plan.boxes.find((planned) => planned.address === address && !planned.exists);
    if (!box) return [];
    return error(
      'address-taken',
      `${address}, meant for ${box.name}, is taken: something there ${how}${mac ? ` (hardware address ${mac})` : ''}`,
      otherSubnet(facts, plan),
      `stop what has ${address}`,
    );
  });
}

/** The boxes let the host in by its .1: SSH, Consul's UI. */
function hostAddress(facts: HostFacts, plan: Plan): Finding[] {
  const wanted = `${plan.subnet}.1`;
  return facts.interfaces
    .filter(({ name }) => isOurs(facts, plan, name))
    .flatMap(({ name, addresses }) => {
      const inside = addresses.filter((own) => contains(networkOf(plan.subnet), own.address));
      if (inside.length === 0 || inside.some(({ address }) => address === wanted)) return [];
      const has = inside.map(({ address }) => address).join(', ');
      return error(
        'host-address-differs',
        `this machine has ${has} on ${name}; the boxes admit ${wanted}`,
        plan.provider === 'lxc'
          ? `sudo ip addr add ${wanted}/24 dev ${name}`
          : `VBoxManage hostonlyif ipconfig "${name}" --ip ${wanted} --netmask 255.255.255.0`,
        otherSubnet(facts, plan),
      );
    });
}

function isOurs(facts: HostFacts, plan: Plan, name: NetworkInterface['name']): boolean {
  if (plan.provider === 'lxc') return name === plan.bridge;
  // The names of VirtualBox' networks and of the interfaces the system shows for them differ on macOS and Windows.
  if (/^(vboxnet\d+|VirtualBox Host-Only .*)$/.test(name)) return true;
  const known = facts.virtualbox.hostOnlyNetworks ?? [];
  const addresses = facts.interfaces.find((one) => one.name === name)?.addresses ?? [];
  return known.some(
    (network) => network.name === name || addresses.some(({ address }) => address === network.address),
  );
}

/** A subnet nothing on this host uses; 192.168.56 first, since VirtualBox allows it everywhere. */
export function freeSubnet(facts: HostFacts, besides: string): string {
  const busy = [
    ...facts.interfaces.flatMap(({ addresses }) => addresses),
    ...facts.routes.filter(isSpecific),
  ];
  const candidates = Array.from({ length: 8 }, (_, n) => `192.168.${56 + n}`);
  return (
    candidates.find(
      (subnet) => subnet !== besides && !busy.some((network) => overlap(network, networkOf(subnet))),
    ) ?? 'A.B.C'
  );
}

const otherSubnet = (facts: HostFacts, plan: Plan) => takeSubnet(facts, plan, freeSubnet(facts, plan.subnet));
