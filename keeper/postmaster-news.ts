import { statSync, watch, type FSWatcher, type Stats } from 'node:fs';

/** Tells at once when a postmaster starts or ends: its file in the data directory comes, changes or goes. */
export class PostmasterNews {
  private watched: { readonly watcher: FSWatcher; readonly folder: Stats } | undefined;

  constructor(
    private readonly dataDir: string,
    private readonly onNews: () => void,
  ) {}

  /** Follows the data directory that lies there now. False: nothing is told, so it has to be looked at often. */
  follow(): boolean {
    const folder = statSync(this.dataDir, { throwIfNoEntry: false });
    if (folder && this.watched?.folder.ino === folder.ino && this.watched.folder.dev === folder.dev)
      return true;
    this.close();
    if (!folder) return false;
    try {
      const watcher = watch(this.dataDir, { persistent: false }, (_, name) => {
        if (name === 'postmaster.pid') this.onNews();
      });
      watcher.on('error', () => this.close());
      this.watched = { watcher, folder };
      return true;
    } catch {
      return false; // The machine has no watches left, or this file system none at all.
    }
  }

  close(): void {
    this.watched?.watcher.close();
    this.watched = undefined;
  }
}
