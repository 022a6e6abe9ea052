import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { hasContent } from '../../common/runtime/files/durable.js';
import { writeDurably } from '../../common/runtime/files/replace-file.js';
import type { BoxFile } from './box-file.js';

export type Account = { readonly uid: number; readonly gid: number } | undefined;

/** The lab's files: puts them where they belong, each whole or not at all. Returns the paths whose content changed. */
export function writeFiles(files: readonly BoxFile[], postgresAccount: Account): string[] {
  return files.flatMap(({ path, content, mode, owner, initialOnly }) => {
    if (hasContent(path) && (initialOnly || readFileSync(path, 'utf8') === content)) return [];
    const account = owner === 'postgres' ? postgresAccount : undefined;
    makeFolder(dirname(path), account);
    writeDurably(path, content, mode, account);
    return [path];
  });
}

/** The folder, and those above it that are missing; only the last belongs to `account`. */
export function makeFolder(folder: string, account: Account, mode = 0o755): void {
  if (existsSync(folder)) return;
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  chmodSync(folder, mode);
  if (account) chownSync(folder, account.uid, account.gid);
}
