import { statSync, watch, type FSWatcher, type Stats } from 'node:fs';
import { basename } from 'node:path';

/** Tells at once when a postmaster starts or ends: its file in the data directory comes, changes or goes. */
export class PostmasterNews {
  private watched: { readonly watcher: FSWatcher; readonly folder: Stats } | undefined;

  constructor(
    private readonly dataDir: string,
    private readonly onNews: () => void,
  ) {}

  /** Follows the data directory that lies there now. False: nothing is told, so it has to be looked at often. */
  follow(): boolean {
    try {
      const folder = statSync(this.dataDir);
      if (this.watched && isSame(folder, this.watched.folder)) return true;
      this.close();
      const watcher = watch(this.dataDir, { persistent: false }, (_, name) => this.heard(name));
      watcher.on('error', () => this.close());
      this.watched = { watcher, folder };
      return true;
    } catch {
      // It is away, the machine has no watches left, or this file system none at all.
      this.close();
      return false;
    }
  }

  private heard(name: string | null): void {
    // Under its own name the folder tells that it has gone, or was renamed.
    if (name === basename(this.dataDir)) this.close();
    else if (name !== 'postmaster.pid') return;
    this.onNews();
  }

  close(): void {
    this.watched?.watcher.close();
    this.watched = undefined;
  }
}

const isSame = (one: Stats, other: Stats): boolean =>
  one.ino === other.ino && one.dev === other.dev && one.birthtimeMs === other.birthtimeMs;
