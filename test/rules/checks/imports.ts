import { builtinModules } from 'node:module';
import { importsOf, meant, type Source } from './sources.js';

export interface Rules {
  /** The first row whose pattern fits a file decides. */
  readonly table: readonly { readonly from: RegExp; readonly may: readonly RegExp[] }[];
  /** Files that import no module of Node's. */
  readonly withoutIo: RegExp;
  /** Where a package may be imported. */
  readonly packageRooms: Readonly<Record<string, RegExp>>;
}

/** What is wrong with the imports of one file, a sentence each. */
export function refusedImports({ file, text }: Source, rules: Rules): string[] {
  const row = rules.table.find(({ from }) => from.test(file));
  if (!row) return [`${file} is in no row of the table`];
  return importsOf(text).flatMap((wanted) => {
    if (wanted.startsWith('.')) {
      const target = meant(file, wanted);
      return row.may.some((allowed) => allowed.test(target)) ? [] : [`${file} may not import ${target}`];
    }
    if (wanted.startsWith('node:') || builtinModules.includes(wanted))
      return rules.withoutIo.test(file)
        ? [`${file} may not import ${wanted}: it does its I/O through ports`]
        : [];
    const name = wanted
      .split('/')
      .slice(0, wanted.startsWith('@') ? 2 : 1)
      .join('/');
    return rules.packageRooms[name]?.test(file) ? [] : [`${file} may not import the package ${name}`];
  });
}
