import { randomBytes } from 'node:crypto';
import { assertNever } from '../../common/assert-never.js';
import { sleep } from '../../common/clock.js';
import type { RequestOf, ResultOf } from '../../common/keeper/protocol.js';
import { place } from '../../common/postgres/position.js';
import { bootId, monotonicMs, startTicksNow } from '../../common/runtime/boot-time.js';
import { Refused, TimedOut, type Box, type Order } from '../box.js';
import { Barrier, sessionShowing } from '../postgres/barrier.js';
import { looksInProduction } from '../postgres/control.js';
import { familyOf, identityOf, postmasterOf } from '../postgres/processes.js';
import { openValue } from '../state/settings.js';
import { gateFactsOf } from './gate-facts.js';
import { mustBeManaged, mustRun } from './conditions.js';

/** A holder's voluntary gate counts as open for so long (G3), in ms. */
export const holdMs = 2_000;

/** New at each closing (G1): a stand-in that knows an old name satisfies nothing. */
const freshName = (kind: 'gate' | 'hold') => `hotspare ${kind} ${randomBytes(8).toString('hex')}`;
const quotedName = (name: string) => `"${name}"`;

type Result = ResultOf<'gate'>;

export async function gate(box: Box, request: RequestOf<'gate'>, order: Order): Promise<Result> {
  mustBeManaged(box);
  switch (request.do) {
    case 'close':
      return close(box, order);
    case 'hold':
      return hold(box, order);
    case 'final':
      if (box.state.gate?.kind !== 'hold')
        throw new Refused(
          'no-hold',
          'there is no hold: it ran out and the gate is open again, or it never was',
        );
      return close(box, order);
    case 'open':
      return open(box, openValue(request.standbys ?? [], request.count), order);
    default:
      return assertNever(request.do);
  }
}

/** Only the files: for a Postgres that does not run, or does not run yet. */
export function writeClosedGate(box: Box): string {
  const name = freshName('gate');
  box.settings.change({ synchronous_standby_names: quotedName(name) });
  box.state.gate = { kind: 'closed', name, closedAtTicks: startTicksNow(), proven: false };
  return name;
}

/** G1: closed once seen to be. In recovery no barrier can run: there a checkpoint is the proof. */
export async function close(box: Box, order: Order): Promise<Result> {
  const settled = isSettled(box);
  const name = writeClosedGate(box);
  if (!box.reload()) return { gate: gateFactsOf(box, undefined) };
  const barrierLsn = await proveClosed(box, order, quotedName(name), settled);
  box.state.gate = { kind: 'closed', name, closedAtTicks: startTicksNow(), proven: true };
  return { gate: gateFactsOf(box, familyOf(box.dataDir).postmaster), ...(barrierLsn ? { barrierLsn } : {}) };
}

async function hold(box: Box, order: Order): Promise<Result> {
  mustRun(box);
  const { gate } = box.state;
  if (gate?.kind !== 'open') throw new Refused('gate-not-open', 'only an open gate can be held');
  const settled = isSettled(box);
  const name = freshName('hold');
  const before = box.settings.read().synchronous_standby_names;
  // First what reopens it, then the gate itself: killed in between, the keeper goes back (G3).
  box.state.gate = {
    kind: 'hold',
    name,
    before,
    untilMs: monotonicMs() + holdMs,
    boot: bootId(),
    settled,
    postmaster: gate.postmaster,
  };
  box.settings.change({ synchronous_standby_names: quotedName(name) });
  box.reload();
  const barrierLsn = await proveClosed(box, order, quotedName(name), settled);
  return { gate: gateFactsOf(box, undefined), ...(barrierLsn ? { barrierLsn } : {}) };
}

/**
 * Whether no opening can still be on its way: the checkpointer may have read an open gate from the file and not yet told the
 * others, while all of them still wait because of an older setting.
 */
function isSettled(box: Box): boolean {
  const { gate } = box.state;
  const { postmaster } = familyOf(box.dataDir);
  if (!gate || !postmaster) return false;
  if (gate.kind === 'closed') return gate.proven || postmaster.startTicks > gate.closedAtTicks;
  return gate.settled;
}

/**
 * R2: a barrier is seen waiting, nobody may satisfy it, and a second one is sent, behind which nothing was acknowledged. A
 * gate whose opening was never seen may still have that opening on its way through the checkpointer, which would let all of
 * them pass: then only a checkpoint shows that the checkpointer has looked at the file since.
 */
async function proveClosed(
  box: Box,
  order: Order,
  value: string,
  settled: boolean,
): Promise<string | undefined> {
  const session = await sessionShowing(box, order, value);
  try {
    const [row] = await session.query('SELECT pg_is_in_recovery() AS "inRecovery"');
    const inRecovery = row?.['inRecovery'] === true;
    if (!settled) await session.query('CHECKPOINT', [], box.leftMs(order));
    if (inRecovery) return undefined;
  } finally {
    session.close();
  }
  await untilOneWaits(box, order, value);
  await untilNobodySatisfies(box, order);
  const second = await Barrier.send(box, order, value);
  try {
    if (!(await second.waits(box, order)))
      throw new TimedOut('the second commit did not wait behind the gate');
    const [row] = await box.reserved.query(`SELECT ${place.inserted} AS lsn`);
    return String(row?.['lsn']);
  } finally {
    await second.end(box);
  }
}

async function untilOneWaits(box: Box, order: Order, value: string): Promise<void> {
  for (;;) {
    const barrier = await Barrier.send(box, order, value);
    try {
      if (await barrier.waits(box, order)) return;
    } finally {
      await barrier.end(box);
    }
    // It returned: the checkpointer has not looked yet.
    if (box.clock.nowMs() > order.deadlineAtMs)
      throw new TimedOut('commits are still acknowledged: the checkpointer has not taken the closed gate');
    await sleep(box.clock, 10, { signal: order.signal });
  }
}

/** A walsender that still has the old setting would release waiters: one per stand-in under an old name (R4, R5). */
async function untilNobodySatisfies(box: Box, order: Order): Promise<void> {
  for (;;) {
    const rows = await box.reserved.query(
      'SELECT application_name AS name FROM pg_stat_replication WHERE sync_priority > 0',
    );
    if (rows.length === 0) return;
    if (box.clock.nowMs() > order.deadlineAtMs)
      throw new TimedOut(
        `${rows.map(({ name }) => String(name)).join(', ')} still counts as a synchronous standby`,
      );
    await sleep(box.clock, 10, { signal: order.signal });
  }
}

/** Open once a barrier returned (G1). D1: never while the signal file is not back, for which the closed gate stands in. */
async function open(box: Box, value: string, order: Order): Promise<Result> {
  mustRun(box);
  if (!box.hasSignal)
    throw new Refused(
      'signal-missing',
      'standby.signal is not in the data directory; "promote" or "init" puts it there',
    );
  const [row] = await box.reserved.query('SELECT pg_is_in_recovery() AS "inRecovery"');
  if (row?.['inRecovery'] === true)
    throw new Refused('in-recovery', 'a member in recovery keeps its gate closed; promote it first');
  await openTo(box, value, order);
  return { gate: gateFactsOf(box, undefined) };
}

/**
 * Also when a hold runs out. Whose gate it is, is on disk before the gate is open: another postmaster, or the same one back in
 * recovery, has it closed by `watch`.
 */
export async function openTo(box: Box, value: string, order: Order): Promise<void> {
  const postmaster = identityOf(mustRun(box));
  const settled = value !== '' && isSettled(box);
  box.state.gate = { kind: 'open', standbys: value, proven: false, settled, postmaster };
  box.settings.change({ synchronous_standby_names: value });
  box.reload();
  (await sessionShowing(box, order, value)).close();
  // Else a standby that still counts could let the barrier return.
  if (value === '') await untilNobodySatisfies(box, order);
  const barrier = await Barrier.send(box, order, value);
  try {
    await barrier.returned(box, order);
  } finally {
    await barrier.end(box);
  }
  box.state.gate = {
    kind: 'open',
    standbys: value,
    proven: true,
    settled: settled || value === '',
    postmaster,
  };
}

/**
 * Whether the Postgres that runs is the one whose gate was opened, and still out of recovery. A start by hand and a restart after a
 * crashed backend run no `prepare-start`: without this, a promotion by hand after them would find the gate open (D1, G1).
 */
export function isHolders(box: Box, gate: { readonly postmaster: string }): boolean {
  try {
    const postmaster = postmasterOf(box.dataDir);
    return (
      postmaster !== undefined && identityOf(postmaster) === gate.postmaster && looksInProduction(box.dataDir)
    );
  } catch {
    // There is no control file: the data directory is away.
    return false;
  }
}
