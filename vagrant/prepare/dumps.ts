import { copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { moveDurably } from '../../common/runtime/files/durable.js';

/** A dump that destroying boxes left. */
export interface Dump {
  readonly name: string;
  readonly file: string;
}

/** Tells the dumps of one set of boxes from those of others in the same folder. The same in vagrant/ruby/settings.rb. */
export function dumpSet({
  containerPrefix,
  subnet,
}: {
  readonly containerPrefix: string;
  readonly subnet: string;
}): string {
  return `${containerPrefix}${subnet}`;
}

/** `todo-SET-20261120T164109Z.dump`, as vagrant/ruby/backup.rb names it. */
const dumpName = (set: string, time: string) => `todo-${set}-${time}.dump`;

/** The newest of a set's dumps, by the time in its name. */
export function newestDump(folder: string, set: string): Dump | undefined {
  const time = newestTime(folder, set);
  if (time === undefined) return undefined;
  const name = dumpName(set, time);
  return { name, file: join(folder, name) };
}

function newestTime(folder: string, set: string): string | undefined {
  if (!existsSync(folder)) return undefined;
  return readdirSync(folder)
    .map((entry) => /(\d{8}T\d{6}Z)\.dump$/.exec(entry))
    .flatMap((match) => (match?.[1] && match.input === dumpName(set, match[1]) ? [match[1]] : []))
    .sort()
    .at(-1);
}

/** Copies the newest dump to where a set that was moved looks for it; keeps the time, and what is there already. */
export function carryDump(fromFolder: string, fromSet: string, toFolder: string, toSet: string): void {
  const time = newestTime(fromFolder, fromSet);
  if (time === undefined) return;
  const [from, to] = [join(fromFolder, dumpName(fromSet, time)), join(toFolder, dumpName(toSet, time))];
  if (existsSync(to)) return;
  mkdirSync(toFolder, { recursive: true, mode: 0o700 });
  copyFileSync(from, `${to}.part`);
  moveDurably(`${to}.part`, to);
}
