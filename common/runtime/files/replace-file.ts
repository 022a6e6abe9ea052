import { randomUUID } from 'node:crypto';
import { closeSync, fchmodSync, fchownSync, fsyncSync, openSync, writeFileSync } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { renameDurably } from './durable.js';

type Owner = { readonly uid: number; readonly gid: number };

export interface ReplaceOptions {
  /** Of the new file. Default 0o600. */
  readonly mode?: number;
  /** Mode and owner of the file that is replaced are kept; where there is none, `mode` is subject to the umask. Default false. */
  readonly keepsOwner?: boolean;
  /** Several processes may replace it at the same time. Default false. */
  readonly isShared?: boolean;
  /**
   * The file and its name are on disk when this is done. Without that a file system may keep the new name over a power cut and
   * lose the content, which leaves a file of no bytes. Default true.
   */
  readonly isDurable?: boolean;
}

/** Hidden, so that whoever includes all files of a folder leaves it out. */
const unfinishedOf = (file: string, mark = 'unfinished'): string =>
  join(dirname(file), `.${basename(file)}.${mark}`);

/** Replaces a file: a reader finds the old content or the new, never half of it. Where it cannot, it rejects and leaves nothing beside. */
export async function replaceFile(file: string, text: string, options: ReplaceOptions = {}): Promise<void> {
  const { isDurable = true, isShared = false, keepsOwner = false, mode = 0o600 } = options;
  const before = keepsOwner ? await stat(file).catch(() => undefined) : undefined;
  const unfinished = unfinishedOf(file, isShared ? randomUUID() : undefined);
  try {
    const handle = await open(unfinished, isShared ? 'wx' : 'w', mode);
    try {
      await handle.writeFile(text);
      if (!keepsOwner) await handle.chmod(mode);
      if (before) {
        await handle.chmod(before.mode & 0o7777);
        // It may belong to another account, and this one may not give files away.
        await handle.chown(before.uid, before.gid).catch(() => {});
      }
      if (isDurable) await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(unfinished, file);
    if (isDurable) await syncFolder(dirname(file));
  } catch (error) {
    await rm(unfinished, { force: true }).catch(() => {});
    throw error;
  }
}

/** Names that were given or taken in it are on disk when this is done. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The same, at once: whole and on disk when this returns. Several processes may do so at the same time: the last one's content stays. */
export function writeDurably(file: string, text: string, mode = 0o600, account?: Owner): void {
  const unfinished = unfinishedOf(file, `${process.pid}.unfinished`);
  const fd = openSync(unfinished, 'w', mode);
  try {
    fchmodSync(fd, mode);
    writeFileSync(fd, text);
    if (account) fchownSync(fd, account.uid, account.gid);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameDurably(unfinished, file);
}
