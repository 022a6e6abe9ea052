import { arch, cpus } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../common/clock.js';
import { stateFiles } from '../state.js';
import type { HostFacts, Plan } from './model.js';
import { gatherLxc } from './sources/lxc.js';
import { gatherDisk, gatherMemory } from './sources/machine.js';
import { gatherInterfaces, gatherRoutes } from './sources/network.js';
import { isInPath, type Environment } from './sources/programs.js';
import { gatherTaken } from './sources/taken.js';
import { gatherTls } from './sources/tls.js';
import { gatherPlugins, gatherVagrant } from './sources/vagrant.js';
import { gatherVirtualBox } from './sources/virtualbox.js';

export interface GatherOptions {
  readonly plan: Plan;
  readonly environment: Environment;
  readonly clock: Clock;
  /** The folder of the Vagrantfile; relative paths of certificate and key begin there. */
  readonly folder: string;
  /** Vagrant's own folder of the project (.vagrant or VAGRANT_DOTFILE_PATH). */
  readonly dotfileFolder: string;
  /** Vagrant's version, when Vagrant itself is the caller and has told it. */
  readonly vagrantVersion?: string | undefined;
}

/**
 * Looks at the host: reads only, everything side by side and with a deadline. An absent program is a fact, so is one
 * that does not answer; nothing here rejects because of the host's state.
 */
export async function gather(options: GatherOptions): Promise<HostFacts> {
  const { plan, environment, clock } = options;
  const keptTls = stateFiles(join(options.dotfileFolder, 'hotspare')).tls;
  const interfaces = gatherInterfaces(environment);
  const [vagrant, plugins, routes, takenAddresses, memory, disk, tls, virtualbox, lxc] = await Promise.all([
    options.vagrantVersion
      ? ({ state: 'found', version: options.vagrantVersion } as const)
      : gatherVagrant(environment),
    gatherPlugins(environment, options.dotfileFolder),
    gatherRoutes(),
    interfaces.then((known) => gatherTaken(plan, known, environment, clock)),
    gatherMemory(),
    gatherDisk(plan.provider),
    gatherTls(environment, options.folder, keptTls, clock.wallMs()),
    gatherVirtualBox(environment),
    interfaces.then((known) => gatherLxc(plan, known, environment)),
  ]);
  return {
    platform: platform(),
    architecture: arch(),
    isRoot: process.getuid?.() === 0,
    nodeVersion: process.versions.node,
    vagrant,
    plugins,
    interfaces: await interfaces,
    routes,
    takenAddresses,
    memory,
    cpus: cpus().length,
    disk,
    opensslCommand: isInPath('openssl', environment),
    tls,
    virtualbox,
    lxc,
  };
}

function platform(): HostFacts['platform'] {
  if (process.platform === 'win32') return 'windows';
  return process.platform === 'linux' || process.platform === 'darwin' ? process.platform : 'other';
}
