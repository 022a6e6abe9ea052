import { chmodSync, chownSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sleep } from '../../common/clock.js';
import { messageOf, UserError } from '../../common/errors.js';
import { systemClock } from '../../common/runtime/clock.js';
import { mustRun, runCommand } from '../../common/runtime/machine/command.js';
import { addressOf, portOf } from '../../provision/site/site.js';
import { boxesWith, type Box } from '../../provision/topology/topology.js';
import { makeFolder } from '../../provision/files/write.js';
import type { Lab } from '../lab.js';
import type { Progress } from '../../common/runtime/progress.js';
import { emptyFilesSentence } from './empty-files.js';
import { lastWords, startUnit } from './start.js';

/** How long a Postgres that has to replay a lot may take to accept connections. */
const readyTimeoutMs = 60_000;

/** Makes what is missing of the Postgres members and starts them: the first primary, then its clones. */
export async function postgresUp(lab: Lab, progress: Progress, signal: AbortSignal): Promise<void> {
  const members = boxesWith(lab.site.topology, 'pg');
  if (members.some((box) => isManaged(lab, box))) return startManaged(lab, members, progress, signal);
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

/** Whether its keeper has been told to manage it: from then on which one is the primary is the agents' business. */
export function isManaged(lab: Lab, box: Box): boolean {
  return existsSync(join(lab.site.pathsOf(box).keeperState, 'managed'));
}

/**
 * All come up as standbys, and the agents promote one; one without data, or in the middle of a rejoin, is cloned and started by its
 * agent. Throws when none starts that has data.
 */
async function startManaged(
  lab: Lab,
  members: readonly Box[],
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(members.map((box) => startUnit(lab, `keeper@${box.name}`)));
  const withData = members.filter((box) => hasData(lab, box));
  const troubles: unknown[] = [];
  await Promise.all(
    withData.map((box) =>
      progress.step(`${box.name}: start Postgres`, async () => {
        try {
          await startMember(lab, box, signal);
        } catch (error) {
          signal.throwIfAborted();
          // No agent brings that back: it would have to throw data away.
          const empty = emptyFilesSentence(lab, `pg@${box.name}`);
          if (empty !== '') throw new UserError(`pg@${box.name} cannot be started.${empty}`);
          troubles.push(error);
        }
      }),
    ),
  );
  if (troubles.length > 0 && troubles.length === withData.length) throw troubles[0];
  for (const error of troubles) progress.note(`  ${messageOf(error)}; its agent brings it back`);
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

async function startMember(lab: Lab, box: Box, signal: AbortSignal): Promise<void> {
  const unit = `pg@${box.name}`;
  await startUnit(lab, `keeper@${box.name}`);
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

export async function makeRoles(lab: Lab, box: Box, signal: AbortSignal): Promise<void> {
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
