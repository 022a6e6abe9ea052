import { statfs } from 'node:fs/promises';
import { withDeadline, type Clock } from '../../../common/clock.js';

export type FreeSpace = { readonly freeBytes: number } | 'unread';

/** Free space of one folder's disk. A disk that hangs costs one pending read, never more, and never a probe. */
export class DiskProbe {
  private pending = false;

  constructor(
    private readonly folder: string,
    private readonly clock: Clock,
    private readonly deadlineMs: number,
  ) {}

  async read(): Promise<FreeSpace> {
    if (this.pending) return 'unread';
    this.pending = true;
    const reading = statfs(this.folder).finally(() => (this.pending = false));
    reading.catch(() => {});
    try {
      const { bavail, bsize } = await withDeadline(this.clock, this.deadlineMs, 'free space', () => reading);
      return { freeBytes: bavail * bsize };
    } catch {
      return 'unread';
    }
  }
}
