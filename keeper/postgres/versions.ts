import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from '../../common/runtime/machine/command.js';

/**
 * The first minor of each major whose backends wait for `synchronous_standby_names` from the first moment after a start; before it
 * the gate of D1 has a gap. Release notes of 15.13, 16.9 and 17.5 (2025-05-08): "Fix race condition in handling of
 * synchronous_standby_names immediately after startup"; 18 has had it from the beginning.
 */
export const firstFixedMinor: Readonly<Record<number, number>> = { 15: 13, 16: 9, 17: 5 };
const oldestMajor = 15;

/** Undefined when it will do; else the version that is wanted. */
export function versionWanted(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < oldestMajor || !Number.isInteger(major))
    return `${oldestMajor}.${firstFixedMinor[oldestMajor]}`;
  const needed = firstFixedMinor[major];
  return needed !== undefined && minor < needed ? `${major}.${needed}` : undefined;
}

/** Like `15.18`. A beta (`19beta1`) counts as its major's .0. */
export function parseVersion(text: string): string {
  const match = /(\d+)(?:\.(\d+))?/.exec(text);
  if (!match) throw new RangeError(`no version in ${JSON.stringify(text)}`);
  return `${match[1]}.${match[2] ?? '0'}`;
}

const asked = new Map<string, string>();

/**
 * What is installed; what runs may still be older (an upgrade without a restart). The program is asked again once its file is
 * another one.
 */
export async function installedVersion(binDir: string): Promise<string> {
  const program = join(binDir, 'postgres');
  const { ino, mtimeMs } = await stat(program);
  const key = `${program} ${ino} ${mtimeMs}`;
  const known = asked.get(key);
  if (known !== undefined) return known;
  const version = parseVersion(await mustRun(program, ['--version'], { timeoutMs: 5_000 }));
  asked.clear();
  asked.set(key, version);
  return version;
}
