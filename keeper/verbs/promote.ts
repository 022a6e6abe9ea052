import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { sleep } from '../../common/clock.js';
import type { RequestOf, ResultOf } from '../../common/keeper/protocol.js';
import { removeDurably } from '../../common/runtime/durable.js';
import { Refused, TimedOut, type Box, type Order } from '../box.js';
import { looksInProduction } from '../postgres/control.js';
import { historyOnDisk } from '../postgres/history.js';
import { familyOf, isAlive, signal } from '../postgres/processes.js';
import { installedVersion } from '../postgres/versions.js';
import { mustBeManaged, mustHaveData, mustNotRewind, mustRun } from './conditions.js';
import { refuseOld } from './facts.js';
import { close } from './gate.js';
import { gateFactsOf } from './gate-facts.js';

const pollMs = 10;
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
      terminated = await untilInProduction(box, request.terminateAfterMs ?? 0, order, () =>
        isAlive(postmaster),
      );
    } finally {
      // It may not be obeyed later on: any child's SIGUSR1 makes the postmaster look for it.
      removeDurably(trigger);
    }
  }
  const data = await mustHaveData(box);
  if (data.cluster !== 'in production') throw new TimedOut(`the control file says "${data.cluster}"`);
  // D1: Postgres has removed it at the end of recovery, and no earlier would it have stayed.
  box.putSignal();
  const known = box.state.history;
  const history = await historyOnDisk(box.config.postgres.binDir, box.dataDir, { ...data, known });
  box.state.history = history;
  return { history, terminated, tookMs: box.clock.nowMs() - startedMs };
}

/** The keeper's word that nothing was or will be acknowledged: no barrier can run in recovery (G2). */
async function mustBeGated(box: Box, order: Order): Promise<void> {
  const gate = gateFactsOf(box, familyOf(box.dataDir).postmaster);
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
