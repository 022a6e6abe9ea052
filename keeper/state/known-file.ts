import { statSync, type Stats } from 'node:fs';
import { readIfPresent } from '../../common/runtime/files/durable.js';

/**
 * A small file that is asked many times a second, and replaced whole when it changes: it is read and understood again only once it is
 * another one. `understand` may throw; then it is asked again each time.
 */
export class KnownFile<T> {
  private last: { readonly stats: Stats; readonly value: T } | undefined;

  constructor(
    private readonly file: string,
    private readonly understand: (text: string) => T,
  ) {}

  /** Undefined when the file does not exist. */
  read(): T | undefined {
    const stats = statSync(this.file, { throwIfNoEntry: false });
    if (stats && this.last && isSame(stats, this.last.stats)) return this.last.value;
    this.last = undefined;
    // What is read may be newer than what was looked at: then the next look finds another file.
    const text = stats && readIfPresent(this.file);
    if (text === undefined) return undefined;
    const value = this.understand(text);
    this.last = { stats: stats!, value };
    return value;
  }

  /** It is about to be replaced: the clock of a file system may not tell two replacements apart. */
  forget(): void {
    this.last = undefined;
  }
}

const isSame = (one: Stats, other: Stats): boolean =>
  one.ino === other.ino &&
  one.size === other.size &&
  one.mtimeMs === other.mtimeMs &&
  one.ctimeMs === other.ctimeMs &&
  one.dev === other.dev;
