import { codeOf } from '../../../common/errors.js';

/** Postgres' own sources that read and write files. The names are the same in every language of its messages. */
const storageSources = new Set(['md.c', 'fd.c', 'slru.c', 'xlog.c', 'relmapper.c', 'copydir.c']);

/**
 * Whether "insufficient privilege" (42501) was said of a file: a file system that became read-only, or files with another
 * owner, have the same SQLSTATE as a role that lacks a right.
 */
export function isFromStorage(error: unknown): boolean {
  if (codeOf(error) !== '42501') return false;
  const { file } = error as { file?: unknown };
  return typeof file === 'string' && storageSources.has(file);
}
