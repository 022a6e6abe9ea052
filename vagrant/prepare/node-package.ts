import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun } from '../../common/runtime/machine/command.js';
import { nodeVersion } from '../../provision/site/programs.js';
import { privateFolder } from '../state.js';
import { hasContent, moveDurably } from '../../common/runtime/files/durable.js';

/** Fetches a package of npm's into a folder. */
export type Fetch = (spec: string, folder: string) => Promise<unknown>;

const fetchWithNpm: Fetch = (spec, folder) =>
  mustRun('npm', ['pack', '--silent', spec, '--pack-destination', folder], {
    workingDirectory: folder,
    timeoutMs: 300_000,
  });

/**
 * Node for the boxes as an npm package, which is one file and comes from wherever npm is configured to look.
 * Fetched once a version; then those of other versions are removed.
 */
export async function nodePackage(
  folder: string,
  architecture: string,
  fetch = fetchWithNpm,
): Promise<string> {
  const name = `node-linux-${architecture}`;
  const archive = `${name}-${nodeVersion}.tgz`;
  const file = join(privateFolder(folder), archive);
  if (hasContent(file)) return file;
  const work = mkdtempSync(join(folder, 'fetch-'));
  try {
    await fetch(`${name}@${nodeVersion}`, work);
    if (!existsSync(join(work, archive))) throw new Error(`npm pack left no ${archive}`);
    moveDurably(join(work, archive), file);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  for (const entry of readdirSync(folder))
    if (entry.startsWith('node-linux-') && entry !== archive)
      rmSync(join(folder, entry), { recursive: true });
  return file;
}
