import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codeOf } from '../errors.js';

type Owner = { readonly uid: number; readonly gid: number };

/**
 * Replaces a file so that it is on disk, whole, when this returns: file and folder are fsynced. Without that a file system may
 * keep the new name over a power cut and lose the content, which leaves a file of no bytes.
 */
export function writeDurably(file: string, text: string, mode = 0o600, account?: Owner): void {
  const unfinished = `${file}.unfinished`;
  const fd = openSync(unfinished, 'w', mode);
  try {
    fchmodSync(fd, mode);
    writeFileSync(fd, text);
    if (account) fchownSync(fd, account.uid, account.gid);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(unfinished, file);
  syncFolder(dirname(file));
}

/** As `writeDurably`, for who must not wait for the disk: nothing of it happens on the event loop. */
export async function replaceDurably(file: string, text: string, mode = 0o600): Promise<void> {
  const unfinished = `${file}.unfinished`;
  const handle = await open(unfinished, 'w', mode);
  try {
    await handle.chmod(mode);
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(unfinished, file);
  const folder = await open(dirname(file), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Removes a file, if it is there, so that it stays removed. */
export function removeDurably(file: string): void {
  rmSync(file, { force: true });
  syncFolder(dirname(file));
}

/** Renames so that it stays renamed. */
export function renameDurably(from: string, to: string): void {
  renameSync(from, to);
  syncFolder(dirname(to));
  if (dirname(from) !== dirname(to)) syncFolder(dirname(from));
}

/** Gives a file that somebody else has finished its name, so that both it and the name are on disk when this returns. */
export function moveDurably(unfinished: string, file: string): void {
  sync(unfinished);
  renameDurably(unfinished, file);
}

/** Whether there is such a file with something in it: one of no bytes is what a power cut may leave, and as good as none. */
export function hasContent(file: string): boolean {
  return (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 0;
}

export function syncFolder(folder: string): void {
  sync(folder);
}

function sync(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Undefined when there is no such file. */
export function readIfPresent(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}
