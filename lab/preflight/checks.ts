import { spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  mkdirSync,
  readdirSync,
  existsSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { UserError, codeOf, messageOf } from '../../common/errors.js';
import { boxesWith } from '../../provision/topology/topology.js';
import type { Lab } from '../lab.js';
import type { LabSettings } from '../layout.js';
import { labFiles } from '../layout.js';

/** What two fresh Postgres members, five Consul data folders and some logs take, with room to play. */
const neededFreeBytes = 400 * 1024 * 1024;

/** Makes the lab's folder, or says why it cannot be used. Returns whether this call made the lab. */
export function prepareDirectory({ directory }: LabSettings): boolean {
  const { marker } = labFiles(directory);
  try {
    makeFolders(directory);
    const isNew = !existsSync(marker);
    if (isNew) {
      if (readdirSync(directory).length > 0) {
        throw new UserError(
          `${directory} is not empty and no lab; name another folder with HOTSPARE_LAB_DIR`,
        );
      }
      writeFileSync(marker, `${JSON.stringify({ lab: 'hotspare', version: 1 })}\n`);
    }
    accessSync(directory, constants.W_OK);
    return isNew;
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(folderSentence(directory, error), { cause: error });
  }
}

/** One by one: with `recursive`, Node never returns where the kernel answers ENOENT (below /proc). */
function makeFolders(directory: string): void {
  if (existsSync(directory)) return;
  makeFolders(dirname(directory));
  mkdirSync(directory, { mode: 0o755 });
}

function folderSentence(directory: string, error: unknown): string {
  switch (codeOf(error)) {
    case 'ENOSPC':
      return `the disk of ${directory} is full; free some space, or name another folder with HOTSPARE_LAB_DIR`;
    case 'EACCES':
    case 'EROFS':
      return `${directory} cannot be written by this user; name another folder with HOTSPARE_LAB_DIR`;
    default:
      return `${directory} cannot be used: ${messageOf(error)}`;
  }
}

/** Throws a UserError that says what to do when the lab's disk is nearly full. */
export function checkDisk({ directory }: LabSettings): void {
  const { bavail, bsize } = statfsSync(directory);
  const free = bavail * bsize;
  if (free >= neededFreeBytes) return;
  const inMb = (bytes: number) => `${Math.floor(bytes / 1024 / 1024)} MB`;
  throw new UserError(
    `the disk of ${directory} has ${inMb(free)} free and the lab needs ${inMb(neededFreeBytes)}; free some space, or name another folder with HOTSPARE_LAB_DIR`,
  );
}

/** The longest path of a Unix socket, in bytes. */
const maxSocketPath = 107;

/** The system cuts longer paths of sockets: Postgres and its keeper would not start. */
export function checkSocketPaths({ site, settings }: Lab): void {
  const longest = boxesWith(site.topology, 'pg')
    .map((box) => join(site.pathsOf(box).postgresSockets, '.s.PGSQL.65535'))
    .reduce((a, b) => (b.length > a.length ? b : a), '');
  const over = Buffer.byteLength(longest) - maxSocketPath;
  if (over > 0)
    throw new UserError(
      `${settings.directory} is ${over} characters too long for the sockets of Postgres; name another folder with HOTSPARE_LAB_DIR`,
    );
}

/** Root's lab runs Postgres as an ordinary user, who must be able to enter the folder. */
export function checkPostgresAccount(lab: Lab): void {
  const account = lab.site.postgresAccount;
  if (!account) return;
  const { directory } = lab.settings;
  const canEnter = (folder: string) =>
    spawnSync('/usr/bin/test', ['-x', folder], { uid: account.uid, gid: account.gid }).status === 0;
  if (canEnter(directory)) return;
  let closed = directory;
  while (closed !== '/' && !canEnter(dirname(closed))) closed = dirname(closed);
  throw new UserError(
    `the user postgres cannot enter ${closed}, so Postgres could not run in ${directory}; name another folder with HOTSPARE_LAB_DIR (for example under /var/lib)`,
  );
}
