import { renameSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { syncFolder } from './replace-file.js';

/** A file, and what is to stand in it. */
export interface Replacement {
  readonly file: string;
  readonly text: string;
  /** Default 0o600. */
  readonly mode?: number;
}

/**
 * Replaces several files in that order, without a moment between them, and on disk when this is done: about as quick as one of them, for
 * the disk is waited for together. `check` is asked just before the first is replaced; what it throws leaves all as it was.
 */
export async function replaceTogether(
  files: readonly Replacement[],
  check: () => void = () => {},
): Promise<void> {
  // A mark of its own: what is replaced at once meanwhile is not in the way.
  const unfinished = files.map(({ file }) =>
    join(dirname(file), `.${basename(file)}.${process.pid}.together`),
  );
  try {
    const written = files.map(({ text, mode }, at) => write(unfinished[at]!, text, mode));
    // All have ended before one of them is removed.
    for (const each of await Promise.allSettled(written)) if (each.status === 'rejected') throw each.reason;
    check();
    for (const [at, { file }] of files.entries()) renameSync(unfinished[at]!, file);
  } catch (error) {
    await Promise.all(unfinished.map((file) => rm(file, { force: true }).catch(() => {})));
    throw error;
  }
  await Promise.all([...new Set(files.map(({ file }) => dirname(file)))].map(syncFolder));
}

async function write(file: string, text: string, mode = 0o600): Promise<void> {
  const handle = await open(file, 'w', mode);
  try {
    await handle.chmod(mode);
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
