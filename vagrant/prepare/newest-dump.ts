import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The newest of the dumps that destroying boxes left, by the time in its name. */
export function newestDump(folder: string): { readonly name: string; readonly file: string } | undefined {
  if (!existsSync(folder)) return undefined;
  const name = readdirSync(folder)
    .filter((entry) => /^todo-\d{8}T\d{6}Z\.dump$/.test(entry))
    .sort()
    .at(-1);
  return name === undefined ? undefined : { name, file: join(folder, name) };
}
