import { randomBytes } from 'node:crypto';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { history } from '../../common/keeper/protocol.js';
import type { History } from '../../common/postgres/history.js';
import {
  bool,
  integer,
  number,
  object,
  oneOf,
  optional,
  text,
  union,
  type Of,
  type Shape,
} from '../../common/keeper/shape.js';
import { readIfPresent, removeDurably } from '../../common/runtime/files/durable.js';
import { writeDurably } from '../../common/runtime/files/replace-file.js';
import type { Replacement } from '../../common/runtime/files/replace-together.js';
import { KnownFile } from './known-file.js';

/** What is remembered of the gate. `before`: the value to go back to when a hold runs out. */
const gate = union('kind', {
  closed: {
    name: text,
    /** Start ticks of a process made right after: a postmaster younger than that never ran without the gate. */
    closedAtTicks: number,
    /** Whether the checkpointer was seen to have taken it, for a server that ran already. */
    proven: bool,
  },
  /** `settled`: of what stood before. */
  hold: {
    name: text,
    before: text,
    untilMs: number,
    boot: text,
    settled: bool,
    postmaster: text,
  },
  /**
   * `settled`: no earlier opening may still be on its way through the checkpointer. `postmaster`: whose gate it is; another one
   * has to have it opened anew.
   */
  open: { standbys: text, proven: bool, settled: bool, postmaster: text },
});
export type Gate = Of<typeof gate>;

const drain = object({ untilMs: number, boot: text });
export type Drain = Of<typeof drain>;

const rewinding = object({ method: oneOf('rewind', 'basebackup') });

/** Which data directory the rest was said of: one that was restored or copied is another. */
const lineage = object({
  device: integer(0, Number.MAX_SAFE_INTEGER),
  inode: integer(0, Number.MAX_SAFE_INTEGER),
  history: optional(history),
});

/** In the data directory, by whoever made that a copy of another member's (provision/box/lib-postgres.sh). */
const handedOverFile = 'hotspare-history.json';

/**
 * The keeper's memory: one small file each, written durably (D5), so that the keeper and `prepare-start` never rewrite what
 * the other has just written.
 */
export class StateFiles {
  private readonly known = new Map<string, KnownFile<unknown>>();

  constructor(
    private readonly folder: string,
    private readonly dataDir: string,
  ) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  get managed(): boolean {
    // What cannot be looked at is an error, and not a file that is not there.
    return statSync(this.path('managed'), { throwIfNoEntry: false }) !== undefined;
  }
  set managed(on: boolean) {
    if (on) writeDurably(this.path('managed'), '{}\n');
    else removeDurably(this.path('managed'));
  }

  get gate(): Gate | undefined {
    return this.read('gate', gate);
  }
  set gate(value: Gate | undefined) {
    this.write('gate', value);
  }

  /** The same, for whoever replaces other files with it. */
  gateFile(value: Gate): Replacement {
    this.known.get('gate')?.forget();
    return { file: this.path('gate'), text: `${JSON.stringify(value)}\n` };
  }

  get drain(): Drain | undefined {
    return this.read('drain', drain);
  }
  set drain(value: Drain | undefined) {
    this.write('drain', value);
  }

  /** The durable marker of D2: while it stands, Postgres is not started. */
  get rewinding(): Of<typeof rewinding> | undefined {
    return this.read('rewinding', rewinding);
  }
  set rewinding(value: Of<typeof rewinding> | undefined) {
    this.write('rewinding', value);
  }

  /** R5: new with each data directory, kept outside it. */
  get incarnation(): string {
    return readIfPresent(this.path('incarnation'))?.trim() || this.renewIncarnation();
  }
  renewIncarnation(): string {
    const fresh = randomBytes(4).toString('hex');
    writeDurably(this.path('incarnation'), `${fresh}\n`);
    return fresh;
  }

  /** D4, of this very data directory; undefined when it has been replaced since. */
  get history(): History | undefined {
    return this.historyOf(this.dataDir);
  }
  /** The same while that directory lies elsewhere: a rename leaves it the one it was. */
  historyOf(folder: string): History | undefined {
    const known = this.read('lineage', lineage);
    return known && this.isSame(known, folder) ? known.history : undefined;
  }
  set history(value: History | undefined) {
    const { dev, ino } = statSync(this.dataDir);
    this.write('lineage', { device: dev, inode: ino, ...(value ? { history: value } : {}) });
  }

  /**
   * R5: a data directory that was put there by somebody else gets a new name. Of its history is known what whoever copied it
   * asked its source for.
   */
  noticeReplacedData(): void {
    const known = this.read('lineage', lineage);
    if (known && this.isSame(known)) return;
    if (known) this.renewIncarnation();
    this.history = this.handedOver();
    removeDurably(join(this.dataDir, handedOverFile));
  }

  /** A file that can't be read is worth as much as none: the member then can't show its marks, and is rebuilt (D4). */
  private handedOver(): History | undefined {
    const file = join(this.dataDir, handedOverFile);
    const content = readIfPresent(file);
    if (content === undefined) return undefined;
    try {
      return history.read(JSON.parse(content), file);
    } catch {
      return undefined;
    }
  }

  private isSame({ device, inode }: { device: number; inode: number }, folder = this.dataDir): boolean {
    const stat = statSync(folder, { throwIfNoEntry: false });
    return stat?.dev === device && stat.ino === inode;
  }

  private path(name: string): string {
    return join(this.folder, name);
  }

  private read<T>(name: string, shape: Shape<T>): T | undefined {
    const known =
      this.known.get(name) ??
      new KnownFile<unknown>(this.path(name), (text) => shape.read(JSON.parse(text), this.path(name)));
    this.known.set(name, known);
    return known.read() as T | undefined;
  }

  private write(name: string, value: object | undefined): void {
    this.known.get(name)?.forget();
    if (value) writeDurably(this.path(name), `${JSON.stringify(value)}\n`);
    else removeDurably(this.path(name));
  }
}
