import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

export interface Source {
  readonly file: string;
  readonly text: string;
}

/** Every TypeScript file of these folders. */
export const sourcesOf = (...folders: readonly string[]): Source[] =>
  folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((name) => join(folder, name))
      .filter((file) => file.endsWith('.ts'))
      .map((file) => ({ file, text: readFileSync(file, 'utf8') })),
  );

/** What a file imports, as it is written there: values, types and `import()`. */
export const importsOf = (text: string): string[] =>
  [
    ...text.matchAll(
      /^(?:import|export)\s[^;]*?from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gm,
    ),
  ].map((match) => (match[1] ?? match[2] ?? match[3]) as string);

/** The file that a relative import means. */
export const meant = (from: string, wanted: string): string =>
  normalize(join(dirname(from), wanted)).replace(/\.js$/, '.ts');
