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
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { UserError, codeOf, messageOf } from '../../common/errors.js';
import { portOf } from '../../provision/site.js';
import type { Lab } from '../lab.js';
import type { LabSettings } from '../layout.js';
import { labFiles } from '../layout.js';
import { instancesOf } from '../units.js';
import { portHolder } from './port-holder.js';

/** What two fresh Postgres members, five Consul data folders and some logs take, with room to play. */
const neededFreeBytes = 400 * 1024 * 1024;

/** Makes the lab's folder, or says why it cannot be used. */
export function prepareDirectory({ directory }: LabSettings): void {
  const { marker } = labFiles(directory);
  try {
    makeFolders(directory);
    if (!existsSync(marker)) {
      if (readdirSync(directory).length > 0) {
        throw new UserError(
          `${directory} is not empty and no lab; name another folder with HOTSPARE_LAB_DIR`,
        );
      }
      writeFileSync(marker, `${JSON.stringify({ lab: 'hotspare', version: 1 })}\n`);
    }
    accessSync(directory, constants.W_OK);
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

/** Throws a UserError naming every taken port and its holder. Ports of programs of this lab that run already don't count. */
export async function checkPorts(lab: Lab): Promise<void> {
  const taken: string[] = [];
  for (const { unit, program, address, port } of instancesOf(lab.site)) {
    const { state } = await lab.services.status(unit);
    if (state === 'running' || state === 'frozen') continue;
    const others = (['consulServer', 'consulSerf', 'consulDns'] as const).map((name) =>
      portOf(lab.site, name),
    );
    const all = program === 'consul' ? [port, ...others] : [port];
    for (const one of all) {
      if (await isFree(address, one)) continue;
      const holder = portHolder(address, one);
      taken.push(
        `  ${address}:${one} (for ${unit}) is held by ${holder ? `${holder.name}, pid ${holder.pid}` : "another user's process"}`,
      );
    }
  }
  if (taken.length === 0) return;
  throw new UserError(
    `these ports are taken:\n${taken.join('\n')}\nEnd what holds them, or move the whole lab: HOTSPARE_PORT_OFFSET=1000 npm start`,
  );
}

function isFree(address: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => {
      if (codeOf(error) === 'EADDRINUSE') resolve(false);
      else if (codeOf(error) === 'EADDRNOTAVAIL') {
        reject(
          new UserError(
            `${address} is no address of this machine; the lab needs Linux, where all of 127.0.0.0/8 is loopback`,
          ),
        );
      } else reject(error);
    });
    server.listen(port, address, () => server.close(() => resolve(true)));
  });
}
