import { sleep } from '../../common/clock.js';
import { UserError, messageOf } from '../../common/errors.js';
import type { FailoverReport } from '../../common/failover/report.js';
import type { FailoverOrder } from '../../common/failover/shapes.js';
import { systemClock } from '../../common/runtime/clock.js';
import { targetKey, type Target } from '../../common/names.js';
import type { Secret } from '../../common/secret.js';
import { readFailover } from '../../status/index.js';
import { placeOrder } from '../failover/tell.js';
import type { Io } from '../io.js';

/** Whoever waits is about to stop a server, and does so in any case: for the agent's word, and for all of it, in ms. */
const tellMs = 6_000;
const inAllMs = 12_000;
const paceMs = 50;
const lookMs = 1_000;
/** An order that stands is in the agent's view of Consul after so long, in ms. */
const shownMs = 3_000;

export interface HandOverFrom {
  readonly box: string;
  readonly service: string;
  readonly agent: Target & { readonly secret?: Secret; readonly secretFile?: string };
}

export interface HandedOver {
  readonly exitCode: 0 | 1;
  /** For the journal of whoever is stopped. */
  readonly sentence: string;
}

/** Has the standby take over, where it would as soon as this box's server is stopped (O2). Never rejects, and takes 12 s at most. */
export async function handOver({ box, service, agent }: HandOverFrom, io: Io): Promise<HandedOver> {
  const { secret, secretFile } = agent;
  if (!secret) return failed('the agent was given no secret, so it cannot be told');
  const url = `http://${targetKey(agent)}`;
  const untilMs = systemClock.nowMs() + inAllMs;
  let order: FailoverOrder | undefined;
  // Held here until it is over: Node 20 may forget a signal that only a clock holds.
  const hasty = new AbortController();
  const timer = systemClock.after(tellMs, () => hasty.abort());
  const stop = AbortSignal.any([io.stop, hasty.signal]);
  try {
    const told = { urls: [url], service, secret, secretFile: secretFile ?? '', stop };
    order = await placeOrder(told, { kind: 'stopping' });
  } catch (error) {
    if (error instanceof UserError && error.exitCode === 4)
      return { exitCode: 0, sentence: `nothing is handed over: ${error.message}` };
    return failed(
      hasty.signal.aborted ? `the agent does not answer within ${tellMs / 1_000} s` : messageOf(error),
    );
  } finally {
    timer.cancel();
  }
  const seen = new Seen(box, order?.id);
  while (systemClock.nowMs() < untilMs && !io.stop.aborted) {
    const reading = await readFailover(url, service, lookMs);
    const ended = reading.kind === 'read' ? seen.endIn(reading.report, systemClock.nowMs()) : undefined;
    if (ended) return ended;
    await sleep(systemClock, paceMs, { signal: io.stop }).catch(() => {});
  }
  return failed(`the hand-over has not ended within ${inAllMs / 1_000} s`);
}

class Seen {
  private hasStood = false;
  private goneMs: number | undefined;

  constructor(
    private readonly box: string,
    private readonly id: string | undefined,
  ) {}

  /** Undefined: it goes on. */
  endIn({ shared }: FailoverReport, nowMs: number): HandedOver | undefined {
    const primary = shared.kind === 'read' ? shared.record?.members[0]?.name : undefined;
    if (shared.kind === 'unread' || primary === undefined) return undefined;
    if (primary !== this.box) return { exitCode: 0, sentence: `${primary} has taken over` };
    if (shared.order?.id === this.id) this.hasStood = true;
    this.goneMs = shared.order === undefined ? (this.goneMs ?? nowMs) : undefined;
    // Consul may show an order late: what was never seen is not gone.
    if (this.goneMs === undefined || (!this.hasStood && nowMs - this.goneMs < shownMs)) return undefined;
    return failed(
      `the hand-over was given up, and ${this.box} is the primary still; "hotspare history" says why`,
    );
  }
}

const failed = (why: string): HandedOver => ({ exitCode: 1, sentence: `not handed over: ${why}` });
