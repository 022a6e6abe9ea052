import { readFile, realpath } from 'node:fs/promises';
import { codeOf } from '../../common/errors.js';
import { replaceFile } from '../../common/runtime/files/replace-file.js';

/** The content, or undefined when there is no such file. */
export async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Mode and owner of an existing file are kept, and a link stays one: what it points to is replaced. */
export async function replaceRendered(file: string, content: string): Promise<void> {
  const target = await realpath(file).catch(() => file);
  await replaceFile(target, content, { mode: 0o644, keepsOwner: true });
}
