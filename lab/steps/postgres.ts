import { chmodSync, chownSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sleep } from '../../common/clock.js';
import { UserError } from '../../common/errors.js';
import { systemClock } from '../../common/runtime/clock.js';
import { mustRun, runCommand } from '../../common/runtime/command.js';
import { writeDurably } from '../../common/runtime/replace-file.js';
import { withIncludes } from '../../provision/postgres/includes.js';
import { addressOf, portOf } from '../../provision/site/site.js';
import { boxesWith, type Box } from '../../provision/topology/topology.js';
import { makeFolder } from '../../provision/files/write.js';
import type { Lab } from '../lab.js';
import type { Progress } from '../../common/runtime/progress.js';
import { lastWords, startUnit } from './start.js';

/** How long a Postgres that has to replay a lot may take to accept connections. */
const readyTimeoutMs = 60_000;

/** Makes what is missing of the Postgres members and starts them: the first primary, then its clones. */
export async function postgresUp(lab: Lab, progress: Progress, signal: AbortSignal): Promise<void> {
  const members = boxesWith(lab.site.topology, 'pg');
  const first = members.find((box) => box.name === lab.site.topology.postgres.firstPrimary);
  if (!first) return;
  const clones = members.filter((box) => box !== first);
  const orphan = clones.find((box) => hasData(lab, box));
  if (orphan && !hasData(lab, first)) {
    throw new UserError(
      `${orphan.name} has a database and ${first.name}, its primary, has none. Restore ${lab.site.pathsOf(first).postgresData}, or make both anew with "hotspare lab nuke"`,
    );
  }
  if (!hasData(lab, first))
    await progress.step(`${first.name}: make a database`, () => initialise(lab, first, signal));
  await progress.step(`${first.name}: start Postgres`, async () => {
    await startMember(lab, first, signal);
    await makeRoles(lab, first, signal);
  });
  await Promise.all(
    clones.map(async (box) => {
      if (!hasData(lab, box)) {
        await progress.step(`${box.name}: clone ${first.name}`, () => clone(lab, first, box, signal));
      }
      await progress.step(`${box.name}: start Postgres`, () => startMember(lab, box, signal));
    }),
  );
}

function hasData(lab: Lab, box: Box): boolean {
  return existsSync(join(lab.site.pathsOf(box).postgresData, 'PG_VERSION'));
}

/** Work goes into a folder beside and is renamed at the end: what was begun and not finished is never taken for a database. */
async function intoDataFolder(lab: Lab, box: Box, work: (folder: string) => Promise<void>): Promise<void> {
  const { postgresData } = lab.site.pathsOf(box);
  const unfinished = `${postgresData}.unfinished`;
  makeFolder(dirname(postgresData), lab.site.postgresAccount);
  rmSync(unfinished, { recursive: true, force: true });
  await work(unfinished);
  renameSync(unfinished, postgresData);
}

async function initialise(lab: Lab, box: Box, signal: AbortSignal): Promise<void> {
  const { site } = lab;
  const account = site.postgresAccount;
  const { postgresConfig } = site.pathsOf(box);
  const passwordFile = join(postgresConfig, 'superuser.password');
  writeFileSync(passwordFile, site.secrets.passwords.postgres, { mode: 0o600 });
  chmodSync(passwordFile, 0o600);
  if (account) chownSync(passwordFile, account.uid, account.gid);
  try {
    await intoDataFolder(lab, box, async (folder) => {
      await mustRun(
        join(site.binaries.postgresBin, 'initdb'),
        [
          '-D',
          folder,
          '-U',
          'postgres',
          '-A',
          'scram-sha-256',
          `--pwfile=${passwordFile}`,
          '-E',
          'UTF8',
          '--locale=C',
          '--data-checksums',
        ],
        { account, signal },
      );
    });
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

async function clone(lab: Lab, from: Box, box: Box, signal: AbortSignal): Promise<void> {
  const { site } = lab;
  const { postgresConfig } = site.pathsOf(box);
  await intoDataFolder(lab, box, async (folder) => {
    await mustRun(
      join(site.binaries.postgresBin, 'pg_basebackup'),
      [
        '-d',
        `host=${addressOf(site, from)} port=${portOf(site, 'postgres')} user=hotspare_replication passfile=${join(postgresConfig, 'replication.pgpass')} connect_timeout=5`,
        '-D',
        folder,
        '-X',
        'stream',
        '-c',
        'fast',
        '-S',
        box.name.replaceAll('-', '_'),
      ],
      { account: site.postgresAccount, signal, timeoutMs: 600_000 },
    );
    writeFileSync(join(folder, 'standby.signal'), '');
    const account = site.postgresAccount;
    if (account) chownSync(join(folder, 'standby.signal'), account.uid, account.gid);
  });
}

/** A copy still includes the settings of the member it was made from; its own stand in its own folder, and come later. */
function includeSettings(lab: Lab, box: Box): void {
  const { postgresData, postgresSettings, keeperSettings } = lab.site.pathsOf(box);
  const file = join(postgresData, 'postgresql.conf');
  const before = readFileSync(file, 'utf8');
  const after = withIncludes(before, [postgresSettings, keeperSettings]);
  if (after !== before) writeDurably(file, after, 0o600, lab.site.postgresAccount);
}

async function startMember(lab: Lab, box: Box, signal: AbortSignal): Promise<void> {
  const unit = `pg@${box.name}`;
  includeSettings(lab, box);
  await startUnit(lab, unit);
  const deadline = systemClock.nowMs() + readyTimeoutMs;
  const { site } = lab;
  const args = [
    '-h',
    addressOf(site, box),
    '-p',
    String(portOf(site, 'postgres')),
    '-U',
    'postgres',
    '-d',
    'postgres',
    '-t',
    '2',
    '-q',
  ];
  for (;;) {
    const { exitCode } = await runCommand(join(site.binaries.postgresBin, 'pg_isready'), args, { signal });
    if (exitCode === 0) return;
    await lab.services.status(unit).then(({ state }) => {
      if (state !== 'running') throw new UserError(`${unit} has ended. ${lastWords(lab, unit)}`);
    });
    if (systemClock.nowMs() > deadline) {
      throw new UserError(
        `${unit} accepts no connection after ${readyTimeoutMs / 1000} s; see hotspare lab logs ${unit}`,
      );
    }
    await sleep(systemClock, 40, { signal });
  }
}

async function makeRoles(lab: Lab, box: Box, signal: AbortSignal): Promise<void> {
  const { site } = lab;
  await mustRun(
    join(site.binaries.postgresBin, 'psql'),
    [
      '-X',
      '-q',
      '-t',
      '-h',
      addressOf(site, box),
      '-p',
      String(portOf(site, 'postgres')),
      '-U',
      'postgres',
      '-d',
      'postgres',
      '-f',
      join(site.pathsOf(box).config, 'roles.sql'),
    ],
    { environment: { PGPASSWORD: site.secrets.passwords.postgres, PGCONNECT_TIMEOUT: '5' }, signal },
  );
}
