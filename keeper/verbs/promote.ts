import { join } from 'node:path';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { sleep } from '../../common/clock.js';
import type { RequestOf, ResultOf } from '../../common/keeper/protocol.js';
import type { History } from '../../common/postgres/history.js';
import { parseWalFile } from '../../common/postgres/wal-file.js';
import { replaceTogether } from '../../common/runtime/files/replace-together.js';
import { Refused, TimedOut, type Box, type Order } from '../box.js';
import { lastSaid, looksInProduction } from '../postgres/control.js';
import { historyOnDisk } from '../postgres/history.js';
import { isAlive, postmasterOf, signal } from '../postgres/processes.js';
import { installedVersion } from '../postgres/versions.js';
import { mustBeManaged, mustHaveData, mustNotRewind, mustRun } from './parts/conditions.js';
import { refuseOld } from './facts.js';
import { close } from './gate.js';
import { gateFactsOf } from './parts/gate-facts.js';

const pollMs = 3;
/** Sessions that hold replay up are ended so often: new ones begin transactions meanwhile. */
const terminateEveryMs = 50;
/** Does SQL not answer within so many ms, there is nobody to end either. */
const sqlTimeoutMs = 300;

/**
 * G2, from the closed gate to the signal file. A member that was found in production behind its gate (an order cut off midway) is
 * taken from there to the same end.
 */
export async function promote(
  box: Box,
  request: RequestOf<'promote'>,
  order: Order,
): Promise<ResultOf<'promote'>> {
  mustBeManaged(box);
  mustNotRewind(box);
  const postmaster = mustRun(box);
  refuseOld(await installedVersion(box.config.postgres.binDir));
  await mustBeGated(box, order);
  const startedMs = box.clock.nowMs();
  const trigger = join(box.dataDir, 'promote');
  let terminated = 0;
  if (!looksInProduction(box.dataDir)) {
    try {
      writeFileSync(trigger, '');
      signal(postmaster, 'SIGUSR1');
      // While Postgres is at it: the disk takes its time.
      forgetSource(box);
      terminated = await untilInProduction(box, request.terminateAfterMs ?? 0, order, () =>
        isAlive(postmaster),
      );
    } finally {
      // It may not be obeyed later on: any child's SIGUSR1 makes the postmaster look for it. (A start removes it.)
      rmSync(trigger, { force: true });
    }
  }
  const guessing = newestHistory(box).catch(() => undefined);
  const data = await mustHaveData(box);
  if (data.cluster !== 'in production') throw new TimedOut(`the control file says "${data.cluster}"`);
  // D1: Postgres has removed it at the end of recovery, and no earlier would it have stayed.
  await replaceTogether([{ file: box.signalFile, text: '' }]);
  const guess = await guessing;
  forgetSource(box);
  const isThat = guess?.systemId === data.systemId && guess.timeline === data.timeline;
  const history = await markedHistory(box, data, order, isThat ? guess : undefined);
  box.state.history = history;
  return { history, terminated, tookMs: box.clock.nowMs() - startedMs };
}

/** A look that found no mark is made again for so long, so often, in ms: on a busy machine one was not there at once. */
const markMs = { within: 2_000, every: 100 };

/** With the mark of this promotion: what is published without it would fit any other timeline of that number that began there (D4). */
async function markedHistory(
  box: Box,
  data: Awaited<ReturnType<typeof mustHaveData>>,
  order: Order,
  seen: History | undefined,
): Promise<History> {
  const untilMs = box.clock.nowMs() + markMs.within;
  let history = seen;
  for (;;) {
    const last = history?.forks.at(-1);
    if (history && last?.mark !== undefined) return history;
    if (history && box.clock.nowMs() >= untilMs)
      throw new Error(
        `the END_OF_RECOVERY record of timeline ${data.timeline} could not be read at ${last?.lsn ?? 'an unknown place'}`,
      );
    if (history) await sleep(box.clock, markMs.every, { signal: order.signal });
    const { history: known } = box.state;
    history = await historyOnDisk(box.config.postgres.binDir, box.dataDir, { ...data, known });
  }
}

/** Started again, it must not take WAL from a standby of old. */
function forgetSource(box: Box): void {
  const { primary_conninfo: source, primary_slot_name: slot } = box.settings.read();
  if (source !== '' || slot !== '') box.settings.change({ primary_conninfo: '', primary_slot_name: '' });
}

/** Of the newest timeline that lies here, without having asked the control file for it: two programs that run side by side. */
async function newestHistory(box: Box): Promise<History | undefined> {
  const { binDir } = box.config.postgres;
  const before = lastSaid(box.dataDir);
  if (!before) return undefined;
  const { systemId, walSegmentBytes } = before;
  const timelines = readdirSync(join(box.dataDir, 'pg_wal')).flatMap((name) => {
    const file = parseWalFile(name, walSegmentBytes);
    return file?.kind === 'history' ? [file.timeline] : [];
  });
  const timeline = Math.max(before.timeline, ...timelines);
  return historyOnDisk(binDir, box.dataDir, {
    systemId,
    timeline,
    walSegmentBytes,
    known: box.state.history,
  });
}

/** The keeper's word that nothing was or will be acknowledged: no barrier can run in recovery (G2). */
async function mustBeGated(box: Box, order: Order): Promise<void> {
  const gate = gateFactsOf(box, postmasterOf(box.dataDir));
  if (gate.kind !== 'closed')
    throw new Refused('gate-not-closed', 'the gate is not closed; "gate" with do: "close" closes it');
  const inFile = box.settings.read().synchronous_standby_names;
  if (inFile !== `"${gate.name}"`)
    throw new Refused(
      'gate-not-closed',
      `${box.config.postgres.settingsFile} says ${JSON.stringify(inFile)}`,
    );
  // Closed while Postgres ran, and not seen to be taken.
  if (!gate.sinceStart) await close(box, order);
}

async function untilInProduction(
  box: Box,
  terminateAfterMs: number,
  order: Order,
  lives: () => boolean,
): Promise<number> {
  let terminated = 0;
  let terminateAtMs = box.clock.nowMs() + terminateAfterMs;
  while (!looksInProduction(box.dataDir)) {
    order.signal.throwIfAborted();
    if (!lives()) throw new Error('Postgres ended before it was promoted');
    const nowMs = box.clock.nowMs();
    if (nowMs > order.deadlineAtMs) throw new TimedOut('recovery has not ended; replay may be held up');
    if (nowMs >= terminateAtMs) {
      terminated += await terminateOpenTransactions(box).catch(() => 0);
      terminateAtMs = box.clock.nowMs() + terminateEveryMs;
    }
    await sleep(box.clock, pollMs, { signal: order.signal });
  }
  return terminated;
}

/** With a snapshot or without: one that holds only a lock delays replay as well. */
async function terminateOpenTransactions(box: Box): Promise<number> {
  const rows = await box.reserved.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE backend_type = 'client backend' AND xact_start IS NOT NULL AND pid <> pg_backend_pid() AND pg_is_in_recovery()`,
    [],
    sqlTimeoutMs,
  );
  return rows.length;
}
