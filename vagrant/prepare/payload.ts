import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { mustRun } from '../../common/runtime/machine/command.js';
import { moveDurably } from '../../common/runtime/files/durable.js';
import { writeDurably } from '../../common/runtime/files/replace-file.js';
import type { Payload } from '../../provision/box/payload.js';
import { nodeMinimum, releasesFolder } from '../../provision/site/programs.js';
import { system } from '../../provision/site/real-boxes.js';
import { privateFolder } from '../state.js';
import type { Dump } from './dumps.js';
import type { Package } from './package.js';

export interface PayloadInput {
  readonly box: string;
  readonly payload: Payload;
  /** Folder with the scripts, provision/box/. */
  readonly scripts: string;
  readonly package: Package;
  /** Absent where the boxes bring their own Node. */
  readonly node: string | undefined;
  /** Given to a primary that is made from nothing. */
  readonly dump: Dump | undefined;
}

/**
 * Writes what one box gets: BOX.tar.gz, and BOX.json that says what belongs to it. The digest stands for everything that
 * has an effect on a box that is there already.
 */
export async function writePayload(folder: string, input: PayloadInput): Promise<void> {
  const { box, payload } = input;
  const staging = join(privateFolder(folder), `${box}.new`);
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(join(staging, 'staged'), { recursive: true });
  for (const name of readdirSync(input.scripts).filter((entry) => entry.endsWith('.sh')))
    copyFileSync(join(input.scripts, name), join(staging, name));
  const environment = `${payload.environment}HOTSPARE_DIGEST='${input.package.digest}'\nNODE_MINIMUM='${nodeMinimum}'\n`;
  writeFileSync(join(staging, 'box.env'), `${environment}RESTORE_NAME='${input.dump?.name ?? ''}'\n`, {
    mode: 0o600,
  });
  writeFileSync(join(staging, 'manifest'), payload.manifest);
  writeFileSync(join(staging, 'plain-steps'), payload.plainSteps);
  for (const { path, content } of payload.files) put(join(staging, 'files', path), content);
  for (const { name, content } of payload.staged) put(join(staging, 'staged', name), content);
  const digest = digestOf(input, environment);
  if (input.dump) cpSync(input.dump.file, join(staging, 'staged', 'restore.dump'));
  const archive = join(folder, `${box}.tar.gz`);
  await mustRun('tar', ['-czf', `${archive}.new`, '-C', staging, '.']);
  moveDurably(`${archive}.new`, archive);
  rmSync(staging, { recursive: true });
  const description = {
    digest,
    release: `${releasesFolder}/${input.package.digest}`,
    archive,
    package: input.package.file,
    node: input.node ?? null,
    nodeProgram: system.node,
    nodeMinimum,
  };
  const file = join(folder, `${box}.json`);
  writeDurably(file, `${JSON.stringify(description, null, 2)}\n`);
}

function digestOf({ payload, scripts }: PayloadInput, environment: string): string {
  const hash = createHash('sha256');
  const add = (name: string, content: string) => hash.update(`${name}\0${content}\0`);
  add('environment', environment);
  add('manifest', payload.manifest);
  add('plain-steps', payload.plainSteps);
  for (const { path, content } of payload.files) add(path, content);
  for (const { name, content } of payload.staged) add(name, content);
  for (const name of readdirSync(scripts)
    .filter((entry) => entry.endsWith('.sh'))
    .sort())
    add(name, readFileSync(join(scripts, name), 'utf8'));
  return hash.digest('hex').slice(0, 16);
}

function put(file: string, content: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content, { mode: 0o600 });
}
