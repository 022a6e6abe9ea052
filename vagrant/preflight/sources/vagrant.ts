import { realpath, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { record } from '../../../common/text/json.js';
import { isExecutable } from '../../../common/runtime/machine/binaries.js';
import type { LxcFacts, Program, Provider } from '../model.js';
import { namesIn, textOf } from './files.js';
import { askVersion, searchPath, type Environment } from './programs.js';

/** Debian's Vagrant also loads what other packages put here (its patch to lib/vagrant/plugin/manager.rb). */
const debianPlugins = '/usr/share/vagrant-plugins/plugins.d';

export function gatherVagrant(environment: Environment): Promise<Program> {
  return askVersion('vagrant', ['--version'], environment);
}

export function vagrantHome(environment: Environment): string {
  return environment['VAGRANT_HOME'] || join(environment['HOME'] || homedir(), '.vagrant.d');
}

/**
 * The plugins by Vagrant's own lists: "vagrant plugin list" says the same and takes a second. `localFolder` is the
 * project's .vagrant, for plugins installed with --local.
 */
export async function gatherPlugins(environment: Environment, localFolder: string): Promise<string[]> {
  const [user, local, debian] = await Promise.all([
    textOf(join(vagrantHome(environment), 'plugins.json')),
    textOf(join(localFolder, 'plugins.json')),
    readsDebianPlugins(environment).then((reads) => (reads ? namesIn(debianPlugins) : [])),
  ]);
  const packaged = (debian ?? []).map((file) => file.replace(/\.json$/, ''));
  return [...new Set([...installedIn(user), ...installedIn(local), ...packaged])].sort();
}

/** HashiCorp's own package lives in /opt/vagrant and does not. */
async function readsDebianPlugins(environment: Environment): Promise<boolean> {
  const program = searchPath(environment)
    .split(delimiter)
    .map((folder) => join(folder, 'vagrant'))
    .find(isExecutable);
  return program !== undefined && !(await realpath(program)).startsWith('/opt/vagrant/');
}

export function installedIn(json: string | undefined): string[] {
  if (json === undefined) return [];
  try {
    return Object.keys(record(record(JSON.parse(json))['installed']));
  } catch {
    return [];
  }
}

/** Which of the named boxes Vagrant made with this provider, by its own notes: without starting Vagrant. */
export async function madeBoxes(
  dotfileFolder: string,
  provider: Provider,
  names: readonly string[],
): Promise<Set<string>> {
  const ids = await Promise.all(
    names.map((name) => textOf(join(dotfileFolder, 'machines', name, provider, 'id'))),
  );
  return new Set(names.filter((_, index) => ids[index]?.trim()));
}

/** Boxes are kept as NAME/VERSION/PROVIDER, from Vagrant 2.4 on NAME/VERSION/ARCHITECTURE/PROVIDER. */
export async function gatherBox(
  name: string,
  provider: string,
  environment: Environment,
): Promise<LxcFacts['box']> {
  const folder = join(vagrantHome(environment), 'boxes', name.replaceAll('/', '-VAGRANTSLASH-'));
  for (const version of (await namesIn(folder)) ?? []) {
    const inside = join(folder, version);
    const candidates = [inside, ...((await namesIn(inside)) ?? []).map((entry) => join(inside, entry))];
    for (const candidate of candidates) {
      const metadata = await stat(join(candidate, provider, 'metadata.json')).catch(() => undefined);
      if (metadata?.isFile()) return 'present';
    }
  }
  return 'absent';
}
