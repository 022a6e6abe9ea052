import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { StateFiles } from '../state.js';

/** What calls that were killed left half done; some of it holds secrets. Only under the state folder's lock. */
export function removeLeftOvers({ payload, packages, tls }: StateFiles): void {
  remove(payload, /\.new$/);
  remove(packages, /\.(list|part)$|^fetch-/);
  remove(tls, /\.new$|^making-/);
}

function remove(folder: string, halfDone: RegExp): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder).filter((entry) => halfDone.test(entry)))
    rmSync(join(folder, name), { recursive: true, force: true });
}
