import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { withDeadline, type Clock } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import type { Log } from '../../common/runtime/log.js';
import { replaceFile } from '../../common/runtime/files/replace-file.js';
import type { Remembered } from '../core/model.js';
import type { Memory, MemoryContent } from '../ports.js';

/** A disk that hangs is given up on after so many ms; the next change tries again. */
const diskMs = 2_000;

/** The memory as one small file, replaced whole, and on disk before it has its name. No decision waits for it. Trouble with the disk is logged once until it is over. */
export class MemoryFile implements Memory {
  private writing = false;
  private next: MemoryContent | undefined;
  private complained = false;

  constructor(
    private readonly file: string,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  async read(): Promise<MemoryContent> {
    try {
      const text = await withDeadline(this.clock, diskMs, this.file, () => readFile(this.file, 'utf8'));
      return parse(JSON.parse(text) as unknown);
    } catch {
      return {};
    }
  }

  write(content: MemoryContent): void {
    this.next = content;
    if (!this.writing) void this.flush();
  }

  private async flush(): Promise<void> {
    this.writing = true;
    while (this.next) {
      const text = JSON.stringify(this.next, undefined, 2) + '\n';
      this.next = undefined;
      try {
        await withDeadline(this.clock, diskMs, this.file, () => this.replace(text));
        this.complained = false;
      } catch (error) {
        if (!this.complained) this.log.warn(`${this.file}: cannot be written: ${messageOf(error)}`);
        this.complained = true;
      }
    }
    this.writing = false;
  }

  private async replace(text: string): Promise<void> {
    await mkdir(dirname(this.file), { recursive: true });
    await replaceFile(this.file, text, { mode: 0o644 });
  }
}

function parse(value: unknown): MemoryContent {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => isRemembered(entry)));
}

function isRemembered(value: unknown): value is Remembered {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, role, sinceMs } = value as Record<string, unknown>;
  return (
    (kind === 'passing' || kind === 'critical' || kind === 'unknown') &&
    (role === undefined || role === 'primary' || role === 'replica') &&
    typeof sinceMs === 'number' &&
    Number.isFinite(sinceMs)
  );
}
