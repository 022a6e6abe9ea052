import { randomBytes } from 'node:crypto';
import { assertNever } from '../../common/assert-never.js';
import type { RequestOf, ResultOf } from '../../common/keeper/protocol.js';
import { gateName } from '../../common/postgres/gate-name.js';
import { bootId, monotonicMs, startTicksNow } from '../../common/runtime/machine/boot-time.js';
import { Refused, type Box, type Order } from '../box.js';
import { Barrier, sessionShowing } from '../postgres/barrier.js';
import { looksInProduction } from '../postgres/control.js';
import { identityOf, postmasterOf } from '../postgres/processes.js';
import { replaceTogether } from '../../common/runtime/files/replace-together.js';
import type { Gate } from '../state/files.js';
import { openValue } from '../state/settings.js';
import { gateFactsOf } from './parts/gate-facts.js';
import { proveClosed, untilNobodySatisfies } from './parts/prove-closed.js';
import { mustBeManaged, mustRun } from './parts/conditions.js';

/** A holder's voluntary gate counts as open for so long (G3), in ms. */
export const holdMs = 2_000;

/** New at each closing (G1): a stand-in that knows an old name satisfies nothing. */
const freshName = (kind: 'gate' | 'hold') => gateName(kind, randomBytes(8).toString('hex'));
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
      return final(box, order);
    case 'open':
      return open(box, openValue(request.standbys ?? [], request.count), order);
    case 'add':
      return add(box, openValue(request.standbys ?? [], request.count), order);
    default:
      return assertNever(request.do);
  }
}

/** Only the files: for a Postgres that does not run, or does not run yet. `proven`: it holds already, whatever it is called. */
export function writeClosedGate(box: Box, proven = false): string {
  const name = freshName('gate');
  box.settings.change({ synchronous_standby_names: quotedName(name) });
  box.state.gate = { kind: 'closed', name, closedAtTicks: startTicksNow(), proven };
  return name;
}

/** G1: closed once seen to be. In recovery no barrier can run: there a checkpoint is the proof. */
export async function close(box: Box, order: Order): Promise<Result> {
  const settled = isSettled(box);
  const name = writeClosedGate(box);
  if (!box.reload()) return { gate: gateFactsOf(box, undefined) };
  const barrierLsn = await proveClosed(box, order, quotedName(name), settled);
  box.state.gate = { kind: 'closed', name, closedAtTicks: startTicksNow(), proven: true };
  return { gate: gateFactsOf(box, postmasterOf(box.dataDir)), ...(barrierLsn ? { barrierLsn } : {}) };
}

/**
 * G3: without the timer. What a hold was seen to keep from being acknowledged waits on under the new name: neither is anybody's, and
 * there is no moment between them.
 */
async function final(box: Box, order: Order): Promise<Result> {
  const { gate } = box.state;
  if (gate?.kind !== 'hold')
    throw new Refused(
      'no-hold',
      'the gate is not held: the hold ran out and the gate is open again, or it never was held',
    );
  if (box.heldGate !== gate.name || !isHolders(box, gate)) return close(box, order);
  writeClosedGate(box, true);
  box.reload();
  return { gate: gateFactsOf(box, postmasterOf(box.dataDir)) };
}

async function hold(box: Box, order: Order): Promise<Result> {
  mustRun(box);
  const { gate } = box.state;
  if (gate?.kind !== 'open') throw new Refused('gate-not-open', 'only an open gate can be held');
  const settled = isSettled(box);
  const name = freshName('hold');
  const before = box.settings.read().synchronous_standby_names;
  // First what reopens it, then the gate itself: killed in between, the keeper goes back (G3).
  const held: Gate = {
    kind: 'hold',
    name,
    before,
    untilMs: monotonicMs() + holdMs,
    boot: bootId(),
    settled,
    postmaster: gate.postmaster,
  };
  await writeGate(box, held, quotedName(name), order);
  box.reload();
  const barrierLsn = await proveClosed(box, order, quotedName(name), settled);
  box.heldGate = barrierLsn === undefined ? undefined : name;
  return { gate: gateFactsOf(box, undefined), ...(barrierLsn ? { barrierLsn } : {}) };
}

/** First what is remembered, then the setting. Not for another start of Postgres than the gate is of, which has its own closed. */
function writeGate(
  box: Box,
  gate: Exclude<Gate, { kind: 'closed' }>,
  value: string,
  order: Order,
): Promise<void> {
  const files = [box.state.gateFile(gate), box.settings.changed({ synchronous_standby_names: value })];
  return replaceTogether(files, () => {
    order.signal.throwIfAborted();
    const postmaster = postmasterOf(box.dataDir);
    if (!postmaster || identityOf(postmaster) !== gate.postmaster)
      throw new Refused('not-running', 'Postgres was started anew meanwhile');
  });
}

/** What was not seen to come true is taken back within so long, in ms. */
const takeBackMs = 3_000;

/**
 * R2, live: commits wait behind a hold, which shows that the setting is taken, and then for the standby; once a commit has returned so, it
 * has all that was acknowledged before. Else all is as it was: commits wait for so long at most.
 */
async function add(box: Box, value: string, order: Order): Promise<Result> {
  if (value === '') throw new Refused('bad-request', 'gate: "add" needs "standbys"');
  const before = box.settings.read().synchronous_standby_names;
  try {
    const { barrierLsn } = await hold(box, order);
    // What was proven holds for what comes next.
    const held = box.state.gate;
    if (barrierLsn !== undefined && held?.kind === 'hold') box.state.gate = { ...held, settled: true };
    await openTo(box, value, order);
    return { gate: gateFactsOf(box, undefined), ...(barrierLsn ? { barrierLsn } : {}) };
  } catch (error) {
    const isBegun = !(error instanceof Refused) && !order.signal.aborted;
    const { gate } = box.state;
    if (isBegun && gate && gate.kind !== 'closed' && isHolders(box, gate))
      await openTo(box, before, { ...order, deadlineAtMs: box.clock.nowMs() + takeBackMs });
    throw error;
  }
}

/**
 * Whether no opening can still be on its way: the checkpointer may have read an open gate from the file and not yet told the
 * others, while all of them still wait because of an older setting.
 */
function isSettled(box: Box): boolean {
  const { gate } = box.state;
  const postmaster = postmasterOf(box.dataDir);
  if (!gate || !postmaster) return false;
  if (gate.kind === 'closed') return gate.proven || postmaster.startTicks > gate.closedAtTicks;
  return gate.settled;
}

/** Open once a barrier returned (G1). D1: never while the signal file is not back, for which the closed gate stands in. */
async function open(box: Box, value: string, order: Order): Promise<Result> {
  mustRun(box);
  const [row] = await box.reserved.query('SELECT pg_is_in_recovery() AS "inRecovery"');
  if (row?.['inRecovery'] === true)
    throw new Refused('in-recovery', 'a member in recovery keeps its gate closed; promote it first');
  putSignalBack(box);
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
  await writeGate(box, { kind: 'open', standbys: value, proven: false, settled, postmaster }, value, order);
  box.reload();
  const session = await sessionShowing(box, order, value);
  // Else a standby that still counts could let the barrier return.
  if (value === '') await untilNobodySatisfies(box, order);
  const barrier = Barrier.sendOn(session);
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

/**
 * A keeper that was killed between the end of recovery and the signal file leaves a promotion without it, and none orders that
 * again. G2: it is put back only once the control file says that recovery is over, else Postgres would remove it.
 */
function putSignalBack(box: Box): void {
  if (box.hasSignal) return;
  if (!looksInProduction(box.dataDir))
    throw new Refused(
      'signal-missing',
      'standby.signal is not in the data directory, and by the control file recovery is not over yet: order it again',
    );
  box.putSignal();
}
