import { randomUUID } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { withDeadline, type Clock } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import type { Log } from '../../common/runtime/log.js';
import { replaceFile } from '../../common/runtime/files/replace-file.js';

/** A disk that hangs is given up on after so many ms. */
const diskMs = 2_000;
const shape = /^[0-9a-f-]{36}$/;

/**
 * The id of this agent, made at its first start and kept in its folder. Where it cannot be kept, each start has another,
 * which costs nothing but the knowledge that two of them are one. Never rejects.
 */
export async function instanceId(file: string, clock: Clock, log: Log): Promise<string> {
  const kept = await withDeadline(clock, diskMs, file, () => readFile(file, 'utf8')).catch(() => '');
  if (shape.test(kept.trim())) return kept.trim();
  const made = randomUUID();
  await withDeadline(clock, diskMs, file, async () => {
    await mkdir(dirname(file), { recursive: true });
    await replaceFile(file, `${made}\n`, { mode: 0o644 });
  }).catch((error: unknown) => log.warn(`${file}: cannot be written: ${messageOf(error)}`));
  return made;
}
