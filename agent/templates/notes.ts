import { createHash } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf } from '../../common/errors.js';
import { list, number, record, text } from '../../common/text/json.js';
import type { Instance, Used } from '../core/catalogue/instances.js';
import { replaceRendered } from './files.js';

/** What the agent keeps about a template's file in its own folder, so that its next run knows. Best effort, all of it. */

/**
 * The file was replaced and its command has not succeeded yet: an agent killed in between runs the command at its next
 * start, and knows the last text that worked.
 */
export class PendingMark {
  private readonly file: string;

  constructor(stateDir: string, destination: string) {
    this.file = noteFile(stateDir, destination, 'pending');
  }

  async read(): Promise<{ readonly good: string | undefined } | undefined> {
    try {
      const content = await readFile(this.file, 'utf8');
      return { good: goodIn(content) };
    } catch (error) {
      return codeOf(error) === 'ENOENT' ? undefined : { good: undefined };
    }
  }

  async set(good: string | undefined): Promise<void> {
    await keep(this.file, JSON.stringify({ good }));
  }

  async clear(): Promise<void> {
    await rm(this.file, { force: true }).catch(() => {});
  }
}

/** Which text this agent wrote last, and who was listed then. */
export class WrittenNote {
  private readonly file: string;

  constructor(stateDir: string, destination: string) {
    this.file = noteFile(stateDir, destination, 'written');
  }

  /** Who was listed when this agent wrote `content`; undefined when it was not this agent that wrote it. */
  async read(content: string): Promise<Used | undefined> {
    try {
      const note = record(JSON.parse(await readFile(this.file, 'utf8')));
      if (note['sha256'] !== sha256(content)) return undefined;
      const listed = Object.entries(record(note['listed']));
      return new Map(listed.map(([service, instances]) => [service, list(instances).map(parseInstance)]));
    } catch {
      return undefined;
    }
  }

  async write(content: string, listed: Used): Promise<void> {
    const note = { sha256: sha256(content), listed: Object.fromEntries(listed) };
    await keep(this.file, JSON.stringify(note));
  }
}

function noteFile(stateDir: string, destination: string, kind: string): string {
  return join(stateDir, `template-${sha256(destination).slice(0, 16)}.${kind}`);
}

async function keep(file: string, content: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
    .then(() => replaceRendered(file, content))
    .catch(() => {});
}

function sha256(content: string): string {
  return createHash('sha256').update(content).digest('hex');
}

function goodIn(content: string): string | undefined {
  try {
    return text(record(JSON.parse(content))['good']);
  } catch {
    return undefined;
  }
}

function parseInstance(value: unknown): Instance {
  const instance = record(value);
  return {
    node: text(instance['node']),
    id: text(instance['id']),
    address: text(instance['address']),
    port: number(instance['port']),
    tags: list(instance['tags']).map(text),
    meta: Object.fromEntries(
      Object.entries(record(instance['meta'])).map(([key, item]) => [key, text(item)]),
    ),
  };
}
