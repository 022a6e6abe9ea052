import { readdir, readFile } from 'node:fs/promises';
import { codeOf, messageOf } from '../../../common/errors.js';
import type { TextFile } from '../model.js';

export async function readTextFile(path: string): Promise<TextFile> {
  try {
    return { state: 'read', text: await readFile(path, 'utf8') };
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return { state: 'absent' };
    return { state: 'unreadable', why: messageOf(error) };
  }
}

/** Undefined also when it is there and cannot be read: for files of /proc and /sys, both mean "not known". */
export async function textOf(path: string): Promise<string | undefined> {
  const file = await readTextFile(path);
  return file.state === 'read' ? file.text : undefined;
}

/** Names in a folder; undefined when it cannot be listed. */
export async function namesIn(folder: string): Promise<string[] | undefined> {
  try {
    return await readdir(folder);
  } catch {
    return undefined;
  }
}
