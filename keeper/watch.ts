import { sleep } from '../common/clock.js';
import { bootId, monotonicMs } from '../common/runtime/machine/boot-time.js';
import { messageOf } from '../common/errors.js';
import type { Box } from './box.js';
import type { Keeper } from './keeper.js';
import { endAbandonedWaiters } from './postgres/waiters.js';
import { reset } from './verbs/drain.js';
import { isHolders, openTo, writeClosedGate } from './verbs/gate.js';
import { looksInProduction } from './postgres/control.js';
import { postmasterOf } from './postgres/processes.js';
import { PostmasterNews } from './postmaster-news.js';
import type { Drain, Gate } from './state/files.js';

/** How often it is looked at the longest, and where a start of Postgres tells nothing of itself; a deadline that comes before is not overslept, in ms. */
const everyMs = { told: 1_000, untold: 250 };
/** After news it is looked at often for so long, in ms: what a start does to the control file is not told. */
const unsettledMs = 2_000;
const waitersEveryMs = 1_000;
const ownDeadlineMs = 5_000;
/** What a keeper that was killed left half open counts as opened after so long, seen or not: orders wait meanwhile; in ms. */
const mendDeadlineMs = 1_000;

/**
 * What the keeper does without an order: it closes a gate that was opened for another start of Postgres (D1, G1), goes on with an
 * opening that was cut off (D5), ends a hold (G3) and a drain (O4 (6)) whose time is up, and waiters whose client has gone (G3). All
 * of it is in its files, so a keeper that was started anew goes on with it.
 */
export async function watch(box: Box, keeper: Keeper, signal: AbortSignal): Promise<void> {
  let waitersAtMs = 0;
  let isFirst = true;
  const rest = new Rest(box);
  let newsAtMs = -Infinity;
  const news = new PostmasterNews(box.dataDir, () => {
    newsAtMs = box.clock.nowMs();
    rest.wake();
  });
  // An order may have set a deadline.
  keeper.onOrder = () => rest.wake();
  signal.addEventListener('abort', () => rest.wake(), { once: true });
  while (!signal.aborted) {
    rest.begin();
    // Before the look: what comes after that is told.
    const isTold = news.follow() && box.clock.nowMs() - newsAtMs > unsettledMs;
    const { gate, drain } = box.state;
    await tendGate(box, keeper, gate, isFirst);
    isFirst = false;
    if (drain && isOver(drain))
      await keeper.own('the drain is over', ownDeadlineMs, async (order) => {
        const now = box.state.drain;
        if (now && isOver(now)) await reset(box, order);
      });
    if (box.clock.nowMs() >= waitersAtMs) {
      waitersAtMs = box.clock.nowMs() + waitersEveryMs;
      if (gate && gate.kind !== 'open' && isInProduction(box.dataDir))
        await endAbandonedWaiters(box).catch((error) => box.log.debug(messageOf(error)));
    }
    await rest.for(untilNextMs(gate, drain, isTold), signal);
  }
  news.close();
}

/** The pause between two looks, which can be cut short: also before it has begun. */
class Rest {
  private cut = new AbortController();

  constructor(private readonly box: Box) {}

  /** From here on a look sees what is told. */
  begin(): void {
    this.cut = new AbortController();
  }

  wake(): void {
    this.cut.abort();
  }

  async for(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await sleep(this.box.clock, ms, { signal: this.cut.signal }).catch(() => {});
  }
}

/** In recovery no commit waits. */
function isInProduction(dataDir: string): boolean {
  try {
    return postmasterOf(dataDir) !== undefined && looksInProduction(dataDir);
  } catch {
    return false; // The data directory is away.
  }
}

function untilNextMs(gate: Gate | undefined, drain: Drain | undefined, isTold: boolean): number {
  const left = [gate?.kind === 'hold' ? gate : undefined, drain].flatMap((each) =>
    each ? each.untilMs - monotonicMs() : [],
  );
  return Math.max(10, Math.min(isTold ? everyMs.told : everyMs.untold, ...left));
}

async function tendGate(box: Box, keeper: Keeper, gate: Gate | undefined, isFirst: boolean): Promise<void> {
  if (!gate || gate.kind === 'closed' || !box.state.managed) return;
  if (!isHolders(box, gate))
    await keeper.own('Postgres was started anew: the gate is closed', ownDeadlineMs, async () => {
      const now = box.state.gate;
      if (!now || now.kind === 'closed' || isHolders(box, now)) return;
      writeClosedGate(box);
      box.reload();
      box.log.warn('the gate was opened for another start of Postgres; it is closed');
    });
  else if (gate.kind === 'hold' && isOver(gate))
    await keeper.own('the hold is over: the gate opens', ownDeadlineMs, async (order) => {
      const now = box.state.gate;
      if (now?.kind === 'hold' && now.name === gate.name && isHolders(box, now))
        await openTo(box, now.before, order);
    });
  else if (isHalfOpen(box, gate, isFirst))
    await keeper.own('an order at the gate was cut off: the gate opens', mendDeadlineMs, async (order) => {
      const { gate: now } = box.state;
      if (now?.kind === 'open' && isHalfOpen(box, now, isFirst) && isHolders(box, now))
        await openTo(box, now.standbys, order);
    });
}

/**
 * The state says open, and Postgres may have a closed gate still: an opening was cut off before its settings were on disk or read, or a
 * closing after they were. Everyone calls that open, and commits would hang for good. It is safe to open: an agent decided on that, for
 * this very run of Postgres; a closing that was cut off was never said to be done, and who needs it closed orders it again.
 * `isFirst`: before this keeper has had any order; whether Postgres was told of the file is not known then.
 */
function isHalfOpen(box: Box, gate: Gate, isFirst: boolean): boolean {
  return (
    gate.kind === 'open' &&
    (box.settings.read().synchronous_standby_names !== gate.standbys || (isFirst && !gate.proven))
  );
}

/** A deadline of another boot is over: Postgres was started anew, with its gate closed. */
const isOver = ({ untilMs, boot }: { untilMs: number; boot: string }) =>
  boot !== bootId() || monotonicMs() >= untilMs;
