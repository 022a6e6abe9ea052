import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { UserError } from '../common/errors.js';
import type { Pool } from '../sidecar/index.js';

/** A library in one file, below the checkout, so that its imports of packages find the same node_modules. */
export interface Built {
  /** The commit's abbreviated hash; the working tree is `here`. */
  readonly commit: string;
  /** An ES module; an absolute path. */
  readonly file: string;
  remove(): void;
}

export interface OtherCommit extends Built {
  readonly Pool: typeof Pool;
}

/**
 * The library as it was at another commit, built beside this one. It loads the same `pg` as this one does.
 *
 * @throws UserError when git does not know the commit, or it has no library that can be built.
 */
export async function libraryAt(reference: string): Promise<OtherCommit> {
  const commit = commitOf(reference);
  const { folder, remove } = buildFolder();
  try {
    const archive = execFileSync('git', ['archive', '--format=tar', commit, 'sidecar', 'common'], {
      maxBuffer: 256 * 1024 * 1024,
    });
    execFileSync('tar', ['-x', '-C', folder], { input: archive });
    const file = await bundle(join(folder, 'sidecar', 'index.ts'), folder);
    const library = (await import(pathToFileURL(file).href)) as { Pool: typeof Pool };
    return { commit: commit.slice(0, 9), file, Pool: library.Pool, remove };
  } catch (error) {
    remove();
    throw new UserError(`--against ${reference}: its library cannot be built or loaded: ${String(error)}`, {
      cause: error,
    });
  }
}

/** The library of the working tree, built in the same way. */
export async function libraryHere(): Promise<Built> {
  const { folder, remove } = buildFolder();
  try {
    return { commit: 'here', file: await bundle(join('sidecar', 'index.ts'), folder), remove };
  } catch (error) {
    remove();
    throw error;
  }
}

function buildFolder(): { folder: string; remove: () => void } {
  mkdirSync('dist', { recursive: true });
  const folder = mkdtempSync(join('dist', 'against-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

async function bundle(entry: string, folder: string): Promise<string> {
  const outfile = resolve(folder, 'library.mjs');
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    target: 'node20',
    format: 'esm',
    logLevel: 'silent',
  });
  return outfile;
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
