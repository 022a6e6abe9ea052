import { existsSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun } from '../../common/runtime/command.js';
import { privateFolder } from '../state.js';

/** What the boxes get when they have no Node of their own. */
export const nodeForBoxes = { major: 22, minimum: '20.19.0' } as const;

/**
 * Node for the boxes as an npm package, which is one file and comes from wherever npm is configured to look.
 * Fetched once.
 */
export async function nodePackage(folder: string, architecture: string): Promise<string> {
  const name = `node-linux-${architecture}`;
  const file = join(privateFolder(folder), `${name}-${nodeForBoxes.major}.tgz`);
  if (existsSync(file)) return file;
  await mustRun('npm', ['pack', '--silent', `${name}@${nodeForBoxes.major}`, '--pack-destination', folder], {
    workingDirectory: folder,
    timeoutMs: 300_000,
  });
  const fetched = readdirSync(folder).find((entry) => entry.startsWith(`${name}-${nodeForBoxes.major}.`));
  if (fetched === undefined) throw new Error(`npm pack left no ${name} in ${folder}`);
  renameSync(join(folder, fetched), file);
  return file;
}
