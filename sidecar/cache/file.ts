import { constants } from 'node:fs';
import { mkdir, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codeOf, messageOf } from '../../common/errors.js';
import type { Target } from '../../common/names.js';
import { replaceFile } from '../../common/runtime/files/replace-file.js';
import { isSystemId } from '../core/model.js';
import type { Known, LastKnownGood } from '../ports.js';

export interface CacheFileOptions {
  readonly path: string;
  /** Whose members these are: a file that says otherwise is not ours. */
  readonly source: string;
  readonly onWarning: (warning: Error) => void;
}

const version = 1;
const maxBytes = 64 * 1024;
const notAFile = 'it is not a regular file';

/**
 * The last known members in one small JSON file, readable by its owner only. A file that is damaged, foreign or cannot
 * be written is a warning, never a failure: it only ever proposes.
 */
export class CacheFile implements LastKnownGood {
  #saving: Promise<void> = Promise.resolve();

  constructor(private readonly options: CacheFileOptions) {}

  async load(): Promise<Known | null> {
    try {
      return await this.#read();
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') this.#warn('ignored', error);
      return null;
    }
  }

  /** A role of which nobody is known leaves in the file whom another process knew. */
  save(known: Known): Promise<void> {
    this.#saving = this.#saving.then(async () => this.#write(await this.#completed(known)));
    return this.#saving;
  }

  async #read(): Promise<Known> {
    const { path, source } = this.options;
    // Or a FIFO would have us wait for somebody who writes to it.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = await file.stat();
      const { uid, size, mode } = stats;
      const me = process.getuid?.();
      if (!stats.isFile()) throw new Error(notAFile);
      if (me !== undefined && uid !== me && uid !== 0) throw new Error('it belongs to somebody else');
      if ((mode & 0o022) !== 0) throw new Error('others may write to it');
      if (size > maxBytes) throw new Error('it is too big to be ours');
      return parse(await file.readFile('utf8'), source);
    } finally {
      await file.close();
    }
  }

  async #completed(known: Known): Promise<Known> {
    if (known.primary && known.replicas.length > 0 && known.systemId !== undefined) return known;
    // A file that is not ours was warned of when it was loaded; now it is replaced.
    const before = await this.#read().catch(() => null);
    return {
      primary: known.primary ?? before?.primary ?? null,
      replicas: known.replicas.length > 0 ? known.replicas : (before?.replicas ?? []),
      ...systemOf(known.systemId ?? before?.systemId),
    };
  }

  async #write(known: Known): Promise<void> {
    const { path, source } = this.options;
    try {
      await this.#checkPlace();
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      const text = `${JSON.stringify({ version, source, ...known })}\n`;
      await replaceFile(path, text, { isShared: true, isDurable: false });
    } catch (error) {
      this.#warn('could not be written', error);
    }
  }

  /** A device or a FIFO of that name is somebody else's, and renaming would replace it. */
  async #checkPlace(): Promise<void> {
    const there = await stat(this.options.path).catch(() => null);
    if (there && !there.isFile()) throw new Error(notAFile);
  }

  #warn(what: string, error: unknown): void {
    this.options.onWarning(
      new Error(`last known members: ${this.options.path} ${what}: ${messageOf(error)}`, { cause: error }),
    );
  }
}

function parse(text: string, source: string): Known {
  const content: unknown = JSON.parse(text);
  if (typeof content !== 'object' || content === null) throw new Error('it is not what we write');
  const { version: found, source: theirs, primary, replicas, systemId } = content as Record<string, unknown>;
  if (found !== version) throw new Error(`its version is ${JSON.stringify(found)}, not ${version}`);
  if (theirs !== source) throw new Error(`it is about ${JSON.stringify(theirs)}, not about ${source}`);
  if ((primary !== null && !isTarget(primary)) || !Array.isArray(replicas) || !replicas.every(isTarget))
    throw new Error('it is not what we write');
  if (systemId !== undefined && !isSystemId(systemId)) throw new Error('it is not what we write');
  return { primary, replicas, ...systemOf(systemId) };
}

const systemOf = (systemId: string | undefined) => (systemId === undefined ? {} : { systemId });

function isTarget(value: unknown): value is Target {
  if (typeof value !== 'object' || value === null) return false;
  const { host, port } = value as Record<string, unknown>;
  return (
    typeof host === 'string' &&
    host !== '' &&
    Number.isInteger(port) &&
    (port as number) > 0 &&
    (port as number) < 65_536
  );
}
