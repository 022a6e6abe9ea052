import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The programs the boxes run. Absent ones are undefined. */
export interface Binaries {
  readonly consul: string | undefined;
  readonly nginx: string | undefined;
  /** Folder with `postgres`, `initdb`, `pg_ctl`, `pg_basebackup`. */
  readonly postgresBin: string | undefined;
  /** Major version of `postgresBin`. */
  readonly postgresMajor: number | undefined;
}

/** Oldest Postgres the project supports. */
export const minimumPostgresMajor = 15;

/** Looks in PATH, in the sbin folders an ordinary user's PATH lacks, and where Debian and Red Hat keep Postgres. */
export function findBinaries(path = process.env['PATH'] ?? ''): Binaries {
  const folders = [
    ...path.split(delimiter),
    '/usr/local/sbin',
    '/usr/sbin',
    '/sbin',
    '/usr/local/bin',
    '/usr/bin',
  ];
  const inPath = (name: string) => folders.map((folder) => join(folder, name)).find(isExecutable);
  const postgres = findPostgres(folders);
  return {
    consul: inPath('consul'),
    nginx: inPath('nginx'),
    postgresBin: postgres?.bin,
    postgresMajor: postgres?.major,
  };
}

function findPostgres(folders: readonly string[]): { bin: string; major: number } | undefined {
  const versioned = [
    ...versionsUnder('/usr/lib/postgresql', (name) => name),
    ...versionsUnder('/usr', (name) => (name.startsWith('pgsql-') ? name.slice('pgsql-'.length) : '')),
  ];
  const newest = versioned
    .filter(({ major, bin }) => major >= minimumPostgresMajor && isExecutable(join(bin, 'postgres')))
    .sort((a, b) => b.major - a.major)[0];
  if (newest) return newest;
  const bin = folders.find(
    (folder) => isExecutable(join(folder, 'postgres')) && isExecutable(join(folder, 'initdb')),
  );
  return bin ? { bin, major: minimumPostgresMajor } : undefined;
}

function versionsUnder(
  folder: string,
  versionOf: (name: string) => string,
): { bin: string; major: number }[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => {
    const major = Number.parseInt(versionOf(name), 10);
    return Number.isInteger(major) ? [{ bin: join(folder, name, 'bin'), major }] : [];
  });
}

export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
