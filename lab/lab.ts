import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../common/errors.js';
import { findBinaries } from '../common/runtime/machine/binaries.js';
import { writeUnits } from '../common/runtime/processes/folder.js';
import { ProcessManager } from '../common/runtime/processes/manager.js';
import { accountOf } from '../common/runtime/machine/accounts.js';
import { loadOrMakeSecrets } from '../provision/site/secrets.js';
import { consulUrl, todoUrls } from '../provision/site/health.js';
import { labFacts, type LabSite } from '../provision/site/site.js';
import { loadTopology } from '../provision/topology/topology.js';
import { boxPaths, labFiles, labWebPort, type LabSettings } from './layout.js';
import { unitsOf } from './units.js';

/** Where the package lies: two folders up from dist/lab. */
const packageRoot = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const templateFolder = join(packageRoot, 'provision', 'templates');

/** One lab: the five boxes as processes of this machine. */
export interface Lab {
  readonly settings: LabSettings;
  readonly files: ReturnType<typeof labFiles>;
  readonly site: LabSite;
  readonly services: ProcessManager;
  readonly urls: { readonly todo: readonly string[]; readonly consul: string };
}

/** Which programs run how: what later commands and the lab's agents go by. */
export function writeLabUnits({ settings, site, files }: Lab): void {
  writeUnits(settings.directory, unitsOf(site, files.logs, join(packageRoot, 'dist')));
}

/** Opens the lab in `settings.directory`, which must exist. Throws UserError when a program is missing. */
export function openLab(settings: LabSettings): Lab {
  const topology = loadTopology(settings.topologyFile ?? join(packageRoot, 'vagrant', 'topology.json'));
  const { consul, nginx, postgresBin, postgresMajor } = findBinaries();
  if (!consul || !nginx || !postgresBin || !postgresMajor) {
    throw new UserError('Consul, PostgreSQL 15 or newer, or nginx is missing: run "npx hotspare setup"');
  }
  const isRoot = process.getuid?.() === 0;
  const files = labFiles(settings.directory);
  const site: LabSite = {
    ...labFacts,
    directory: settings.directory,
    topology,
    subnet: topology.subnets.lab,
    portOffset: settings.portOffset,
    clientNetwork: '127.0.0.0/8',
    webPort: labWebPort,
    binaries: { consul, nginx, postgresBin, postgresMajor },
    secrets: loadOrMakeSecrets(files.secrets),
    pathsOf: (box) => boxPaths(settings.directory, box),
    nginxUser: isRoot ? 'www-data' : undefined,
    accountName: isRoot ? 'postgres' : userInfo().username,
    postgresAccount: isRoot ? accountOf('postgres') : undefined,
  };
  const admin = topology.boxes.find((box) => box.services.length === 0) ?? topology.boxes[0];
  if (!admin) throw new UserError('the topology has no boxes');
  return {
    settings,
    files,
    site,
    services: new ProcessManager(unitsOf(site, files.logs, join(packageRoot, 'dist')), files.run),
    urls: {
      todo: todoUrls(site),
      consul: `${consulUrl(site, admin)}/ui`,
    },
  };
}
