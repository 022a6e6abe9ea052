import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { UserError } from '../common/errors.js';
import type { Pool } from '../sidecar/index.js';

export interface OtherCommit {
  /** The commit's abbreviated hash. */
  readonly commit: string;
  readonly Pool: typeof Pool;
  remove(): void;
}

/**
 * The library as it was at another commit, built beside this one. It loads the same `pg` as this one does.
 *
 * @throws UserError when git does not know the commit, or it has no library that can be built.
 */
export async function libraryAt(reference: string): Promise<OtherCommit> {
  const commit = commitOf(reference);
  mkdirSync('dist', { recursive: true });
  // Below the checkout, so that imports of packages find its node_modules.
  const folder = mkdtempSync(join('dist', 'against-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const archive = execFileSync('git', ['archive', '--format=tar', commit, 'sidecar', 'common'], {
      maxBuffer: 256 * 1024 * 1024,
    });
    execFileSync('tar', ['-x', '-C', folder], { input: archive });
    const outfile = join(folder, 'library.mjs');
    await build({
      entryPoints: [join(folder, 'sidecar', 'index.ts')],
      outfile,
      bundle: true,
      packages: 'external',
      platform: 'node',
      target: 'node20',
      format: 'esm',
      logLevel: 'silent',
    });
    const library = (await import(pathToFileURL(outfile).href)) as { Pool: typeof Pool };
    return { commit: commit.slice(0, 9), Pool: library.Pool, remove };
  } catch (error) {
    remove();
    throw new UserError(`--against ${reference}: its library cannot be built or loaded: ${String(error)}`, {
      cause: error,
    });
  }
}

function commitOf(reference: string): string {
  try {
    return execFileSync(
      'git',
      ['rev-parse', '--verify', '--quiet', '--end-of-options', `${reference}^{commit}`],
      {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    ).trim();
  } catch (error) {
    throw new UserError(`--against ${reference}: git knows no such commit here`, {
      exitCode: 2,
      cause: error,
    });
  }
}
