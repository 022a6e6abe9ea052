import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { mustRun } from '../../common/runtime/machine/command.js';
import { privateFolder } from '../state.js';
import { hasContent, moveDurably } from '../../common/runtime/files/durable.js';

/** A file that is sent to the boxes. */
export interface Package {
  /** Stands for the content; the boxes keep one folder a digest. */
  readonly digest: string;
  readonly file: string;
}

const own = [
  'package.json',
  'bin',
  'scripts/prepare.mjs',
  'dist',
  'provision/templates',
  'vagrant/topology.json',
];
const leftOut = [/^dist\/bench\//, /\.map$/, /^dist\/\.hotspare-stamp$/];

/**
 * hotspare and its production modules as one archive, for boxes that can install nothing. Made anew only when
 * something in it changed.
 */
export async function hotsparePackage(root: string, folder: string): Promise<Package> {
  const files = own
    .flatMap((path) => filesUnder(root, path))
    .filter((path) => !leftOut.some((p) => p.test(path)));
  const hash = createHash('sha256');
  for (const path of [...files, 'package-lock.json'].filter((path) => existsSync(join(root, path)))) {
    hash.update(`${path}\0`).update(readFileSync(join(root, path)));
  }
  const digest = hash.digest('hex').slice(0, 16);
  const file = join(privateFolder(folder), `hotspare-${digest}.tgz`);
  if (!hasContent(file)) {
    await pack(root, [...files, ...(await productionModules(root))], file);
    for (const name of readdirSync(folder)) {
      if (name.startsWith('hotspare-') && join(folder, name) !== file) rmSync(join(folder, name));
    }
  }
  return { digest, file };
}

async function pack(root: string, paths: readonly string[], file: string): Promise<void> {
  const list = `${file}.list`;
  const unfinished = `${file}.part`;
  writeFileSync(list, paths.map((path) => `${path}\n`).join(''));
  try {
    await mustRun('tar', ['-czf', unfinished, '-C', root, '-T', list], { timeoutMs: 120_000 });
    moveDurably(unfinished, file);
  } finally {
    rmSync(list, { force: true });
    rmSync(unfinished, { force: true });
  }
}

/** Folders of everything that is needed at run time, as npm sees it. Type declarations are not. */
async function productionModules(root: string): Promise<string[]> {
  // What builds and tests has workspaces of its own.
  const list = await mustRun('npm', ['ls', '--omit=dev', '--workspaces=false', '--all', '--parseable'], {
    workingDirectory: root,
    timeoutMs: 60_000,
  });
  return list
    .split('\n')
    .map((folder) => relative(root, folder.trim()).split(sep).join('/'))
    .filter((path) => path.startsWith('node_modules/') && !path.startsWith('node_modules/@types/'));
}

function filesUnder(root: string, path: string): string[] {
  const whole = join(root, path);
  if (!existsSync(whole)) return [];
  if (statSync(whole).isFile()) return [path];
  return readdirSync(whole, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
}
