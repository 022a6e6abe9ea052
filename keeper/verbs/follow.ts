import { assertNever } from '../../common/assert-never.js';
import { sleep } from '../../common/clock.js';
import type { RequestOf, ResultOf } from '../../common/keeper/protocol.js';
import { compareHistory, type History } from '../../common/postgres/history.js';
import { formatLsn } from '../../common/postgres/lsn.js';
import { Refused, TimedOut, type Box, type Order } from '../box.js';
import { inRecovery, mustBeManaged, mustHaveData, mustNotRewind, mustRun } from './parts/conditions.js';
import { conninfo, slotPrefix } from './parts/conninfo.js';
import { endOfWal, knownHistory } from './parts/known-history.js';

const pollMs = 20;

/** Whom this standby streams from; without a host, nobody. D4 is checked where a history is given. */
export async function follow(
  box: Box,
  request: RequestOf<'follow'>,
  order: Order,
): Promise<ResultOf<'follow'>> {
  mustBeManaged(box);
  mustNotRewind(box);
  mustRun(box);
  if (!(await inRecovery(box)))
    throw new Refused('not-in-recovery', 'a member that is writable does not follow another');
  const { host, port = 5432, slot = '', history } = request;
  const applicationName = box.applicationName;
  if (host === undefined) {
    box.settings.change({ primary_conninfo: '', primary_slot_name: '' });
    box.reload();
    await until(box, order, 'the WAL receiver to end', async () => !(await receiver(box)));
    return { streaming: false, applicationName };
  }
  if (history) await mustFit(box, history);
  setSource(box, { host, port }, slot);
  box.reload();
  const timeline = await until(box, order, `WAL from ${host}:${port}`, async () => {
    const row = await receiver(box);
    return row?.['status'] === 'streaming' &&
      row['host'] === host &&
      row['port'] === port &&
      String(row['conninfo']).includes(applicationName) &&
      (history === undefined || Number(row['timeline']) >= history.timeline)
      ? Number(row['timeline'])
      : undefined;
  });
  return { streaming: true, applicationName, timeline };
}

export function setSource(box: Box, to: { host: string; port: number }, slot: string): void {
  box.settings.change({
    primary_conninfo: conninfo(box.config.replication, to, box.applicationName),
    primary_slot_name: slot === '' ? '' : slotPrefix + slot,
  });
}

/** D4: refuses a member whose own WAL belongs to another history than the one that was published. */
async function mustFit(box: Box, published: History): Promise<void> {
  const end = await endOfWal(box);
  const own = await knownHistory(box, await mustHaveData(box), end);
  const { relation, sentence, leftAt } = compareHistory(own, published);
  switch (relation) {
    case 'same':
      return;
    case 'behind':
      if (end !== undefined && end > leftAt)
        throw new Refused(
          'diverged',
          `this member has WAL up to ${formatLsn(end)}, and the others left its timeline at ${formatLsn(leftAt)}`,
        );
      return;
    case 'other-system':
      throw new Refused('other-system', sentence);
    case 'other-history':
      throw new Refused('other-history', sentence);
    case 'diverged':
      throw new Refused('diverged', sentence);
    default:
      return assertNever(relation);
  }
}

async function receiver(box: Box) {
  const [row] = await box.reserved.query(
    'SELECT status, sender_host AS host, sender_port AS port, received_tli AS timeline, conninfo FROM pg_stat_wal_receiver',
  );
  return row;
}

async function until<T>(
  box: Box,
  order: Order,
  what: string,
  look: () => Promise<T | undefined | false>,
): Promise<T> {
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (box.clock.nowMs() > order.deadlineAtMs) throw new TimedOut(`waited for ${what}`);
    await sleep(box.clock, pollMs, { signal: order.signal });
  }
}
