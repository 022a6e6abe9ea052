import { sleep } from '../../common/clock.js';
import { UserError, messageOf } from '../../common/errors.js';
import type { FailoverReport } from '../../common/failover/report.js';
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
  const stop = AbortSignal.any([io.stop, AbortSignal.timeout(tellMs)]);
  try {
    await placeOrder(
      { urls: [url], service, secret, secretFile: secretFile ?? '', stop },
      { kind: 'stopping' },
    );
  } catch (error) {
    if (error instanceof UserError && error.exitCode === 4)
      return { exitCode: 0, sentence: `nothing is handed over: ${error.message}` };
    return failed(stop.aborted ? `the agent does not answer within ${tellMs / 1_000} s` : messageOf(error));
  }
  while (systemClock.nowMs() < untilMs && !io.stop.aborted) {
    const reading = await readFailover(url, service, lookMs);
    const ended = reading.kind === 'read' ? endOf(reading.report, box) : undefined;
    if (ended) return ended;
    await sleep(systemClock, paceMs, { signal: io.stop }).catch(() => {});
  }
  return failed(`the hand-over has not ended within ${inAllMs / 1_000} s`);
}

/** Undefined: it goes on. */
function endOf({ shared }: FailoverReport, box: string): HandedOver | undefined {
  if (shared.kind === 'unread' || shared.order) return undefined;
  const primary = shared.record?.members[0]?.name;
  return primary === box
    ? failed(`the hand-over was given up, and ${box} is the primary still; "hotspare history" says why`)
    : { exitCode: 0, sentence: `${primary ?? 'another member'} has taken over` };
}

const failed = (why: string): HandedOver => ({ exitCode: 1, sentence: `not handed over: ${why}` });
