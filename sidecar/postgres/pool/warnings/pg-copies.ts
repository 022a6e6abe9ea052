import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { nextTurn } from '../../../../common/runtime/clock.js';

/** Modules that were loaded, by file, as `require.cache` has them. ES modules of pg load the same CommonJS files. */
type Loaded = Readonly<Record<string, { readonly exports: unknown } | undefined>>;

export interface Copies {
  readonly own: string;
  readonly others: readonly string[];
}

const entry = /[\\/]pg[\\/]lib[\\/]index\.js$/;

const clientIn = (exports: unknown): unknown =>
  typeof exports === 'object' && exports !== null && 'Client' in exports ? exports.Client : undefined;

const versionIn = (manifest: unknown): string | undefined =>
  typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : undefined;

/** Folders of pg in `loaded`, if there are others than that of `ownClient`. Bundled copies are not seen. */
export function copiesIn(loaded: Loaded, ownClient: unknown): Copies | null {
  const files = Object.keys(loaded).filter((file) => entry.test(file));
  const clientOf = (file: string) => clientIn(loaded[file]?.exports);
  const own = files.find((file) => clientOf(file) === ownClient);
  const others = files.filter((file) => file !== own && typeof clientOf(file) === 'function');
  if (own === undefined || others.length === 0) return null;
  const folder = (file: string) => dirname(dirname(file));
  return { own: folder(own), others: others.map(folder) };
}

export function warning({ own, others }: Copies, version: (folder: string) => string): string {
  const describe = (folder: string) => `${folder} (${version(folder)})`;
  return [
    `this process has loaded more than one copy of pg. hotspare uses ${describe(own)};`,
    `beside it there is ${others.map(describe).join(' and ')}.`,
    'Code that uses another copy does not take a Pool of hotspare for a pg.Pool (Prisma then connects by itself,',
    'without failover), and type parsers set in one copy are not known in the other.',
    '`npm ls pg` shows who brings which; `npm dedupe`, or one version under "overrides" in package.json, mends it.',
  ].join(' ');
}

let checked = false;

/**
 * Warns once per process (`HOTSPARE_PG_COPIES`) when there is another copy of pg than ours. Looks a moment later, when the
 * modules that an app imports beside the one that makes its Pool have been loaded too.
 */
export function warnOfCopies(): void {
  if (checked) return;
  checked = true;
  nextTurn(() => {
    const require = createRequire('/');
    const copies = copiesIn(require.cache, pg.Client);
    if (!copies) return;
    const version = (folder: string) =>
      versionIn(require(join(folder, 'package.json'))) ?? 'of unknown version';
    process.emitWarning(warning(copies, version), { type: 'HotspareWarning', code: 'HOTSPARE_PG_COPIES' });
  }).unref();
}
