import { boxesSite } from '../provision/index.js';
import { loadOrMakeSecrets } from '../provision/site/secrets.js';
import { addressOf, type BoxesSite } from '../provision/site/site.js';
import { boxesWith, type Topology } from '../provision/topology/topology.js';
import { certificateFor, type Wish } from './prepare/tls.js';
import type { Settings } from './settings.js';
import { privateFolder, stateFiles } from './state.js';

/** The site of the boxes, with its secrets and its certificate, which are made at the first call. */
export async function openSite(
  topology: Topology,
  settings: Settings,
  state: string,
  call: Pick<Wish, 'environment' | 'relativeTo' | 'nowMs'>,
): Promise<BoxesSite> {
  const files = stateFiles(privateFolder(state));
  const { subnet } = settings;
  const addresses = boxesWith(topology, 'nginx').map((box) => addressOf({ subnet }, box));
  return boxesSite({
    topology,
    subnet,
    secrets: loadOrMakeSecrets(files.secrets),
    managementCidrs: managementCidrs(topology, settings),
    tls: await certificateFor({ ...call, folder: files.tls, names: { name: topology.dns.name, addresses } }),
  });
}

/** The host of the boxes, by each way it comes, for without it Vagrant gets in no more; besides, whom the topology names. */
export function managementCidrs(
  { managementCidr }: Pick<Topology, 'managementCidr'>,
  { subnet, provider }: Pick<Settings, 'subnet' | 'provider'>,
): string[] {
  return [
    `${subnet}.1/32`,
    // VirtualBox hands on `vagrant ssh` through its own NAT, always from this address.
    ...(provider === 'virtualbox' ? ['10.0.2.2/32'] : []),
    ...(managementCidr === null ? [] : [managementCidr]),
  ];
}
