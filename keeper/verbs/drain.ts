import { sleep } from '../../common/clock.js';
import type { RequestOf, ResultOf } from '../../common/keeper/protocol.js';
import { bootId, monotonicMs } from '../../common/runtime/machine/boot-time.js';
import { Refused, TimedOut, type Box, type Order } from '../box.js';
import { sessionShowing } from '../postgres/barrier.js';
import { inRecovery, mustBeManaged, mustRun } from './parts/conditions.js';

const defaults = { waitMs: 300, resetAfterMs: 10_000 };
const pollMs = 10;

type Result = ResultOf<'drain'>;

/**
 * O4 (1), (2) and (6): sessions are told to be read-only, transactions begun before get `waitMs` to end, the rest is terminated.
 * After `resetAfterMs` the keeper resets it by itself, also after its own restart, so that no abort anywhere leaves the app read-only.
 */
export async function drain(box: Box, request: RequestOf<'drain'>, order: Order): Promise<Result> {
  mustBeManaged(box);
  if (request.do === 'off') return reset(box, order);
  mustRun(box);
  if (await inRecovery(box)) throw new Refused('in-recovery', 'a standby has nothing to drain');
  // First what ends it (O4 (6)).
  box.state.drain = {
    untilMs: monotonicMs() + (request.resetAfterMs ?? defaults.resetAfterMs),
    boot: bootId(),
  };
  const since = await readOnly(box, 'on', order);
  const waitUntilMs = box.clock.nowMs() + (request.waitMs ?? defaults.waitMs);
  let rest = await openSince(box, since);
  while (rest.length > 0 && box.clock.nowMs() < waitUntilMs) {
    await sleep(box.clock, pollMs, { signal: order.signal });
    rest = await openSince(box, since);
  }
  if (rest.length > 0)
    await box.reserved.query('SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) pid', [rest]);
  while (rest.length > 0 && (await openSince(box, since)).some((pid) => rest.includes(pid))) {
    if (box.clock.nowMs() > order.deadlineAtMs)
      throw new TimedOut(
        `terminated sessions have not ended; the database is read-only until the keeper resets the drain, ${request.resetAfterMs ?? defaults.resetAfterMs} ms after it began; to end it now, order drain with {"do": "off"}`,
      );
    await sleep(box.clock, pollMs, { signal: order.signal });
  }
  const [row] = await box.reserved.query(
    `SELECT (SELECT count(*)::int FROM pg_prepared_xacts) AS prepared,
      (SELECT count(*)::int FROM pg_stat_activity
       WHERE backend_type = 'client backend' AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()) AS writers`,
  );
  return {
    readOnly: true,
    terminated: rest.length,
    preparedTransactions: Number(row?.['prepared']),
    writers: Number(row?.['writers']),
  };
}

/** Also by the keeper itself. Without a running Postgres the file alone counts. */
export async function reset(box: Box, order: Order): Promise<Result> {
  box.settings.change({ default_transaction_read_only: 'off' });
  if (box.reload()) await readOnly(box, 'off', order).catch(() => {});
  box.state.drain = undefined;
  return { readOnly: false, terminated: 0, preparedTransactions: 0, writers: 0 };
}

/** The server's time at which every session had been told. */
async function readOnly(box: Box, value: 'on' | 'off', order: Order): Promise<string> {
  box.settings.change({ default_transaction_read_only: value });
  box.reload();
  const session = await sessionShowing(box, order);
  try {
    const [row] = await session.query('SELECT clock_timestamp()::text AS now');
    return String(row?.['now']);
  } finally {
    session.close();
  }
}

async function openSince(box: Box, since: string): Promise<number[]> {
  const rows = await box.reserved.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
       AND xact_start < $1::timestamptz AND application_name NOT LIKE 'hotspare keeper%'`,
    [since],
  );
  return rows.map(({ pid }) => pid);
}
