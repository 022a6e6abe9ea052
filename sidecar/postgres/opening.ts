import { backoffMs } from '../../common/backoff.js';
import { sleep, type Clock } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import { targetKey, type Role, type Target } from '../../common/names.js';
import { DownError } from '../errors.js';
import { troubleOf } from './failures.js';
import type { ConnectBound, SessionLink } from './session-link.js';
import { HeldUpError } from './turn.js';

/** A session that is to be connected, as seen by whoever goes from host to host with it. */
export interface Opening {
  role(): Role | null;
  /** Whether the user has ended it meanwhile. */
  ending(): boolean;
  attempt(target: Target, deadlineMs: number, bound: ConnectBound): Promise<void>;
  /** Whether this server is what we asked for, by its own word and by the router's newest. */
  serves(): boolean;
  discard(): void;
  /** Makes another attempt possible. */
  renew(): Promise<void>;
}

/** pg's words for a client that was ended. */
export const terminated = () => new Error('Connection terminated');

const retry = { baseMs: 10, maxMs: 100 };

/**
 * Asks the router for a host and connects, again and again elsewhere until a server serves or the link's deadline is over;
 * to the pool it is one `connect`.
 */
export async function open(session: Opening, link: SessionLink): Promise<void> {
  const bound = link.bound();
  const { clock, ms } = bound;
  const deadlineMs = clock.nowMs() + ms;
  let last: unknown;
  for (let attempt = 0; ; attempt++) {
    const target = await next(link, deadlineMs, clock);
    if (attempt > 0) await session.renew();
    if (session.ending()) throw terminated();
    try {
      await session.attempt(target, deadlineMs, bound);
      if (session.serves()) return link.routing.report({ type: 'served', target });
      session.discard();
      last = new Error(`${targetKey(target)} is a ${session.role()} now`);
    } catch (error) {
      last = error;
      session.discard();
      if (session.ending()) throw terminated();
      if (error instanceof HeldUpError) throw new DownError(`no connection: ${error.message}`, error);
      // Our own word on what stands in between: nothing is wrong with the member.
      if (error instanceof DownError) throw error;
      const trouble = troubleOf(error);
      link.routing.report({ type: 'failed', target, trouble, by: 'session' });
      if (trouble.kind === 'rejected') throw error;
    }
    if (session.ending()) throw terminated();
    if (clock.nowMs() >= deadlineMs)
      throw new DownError(`no connection within ${ms} ms: ${messageOf(last)}`, last);
    if (typeof link.wanted === 'string' && !link.routing.fits(link.wanted, target)) continue;
    // Still thought fit, so it is being probed: give the verdict a moment, or it gets a storm of attempts.
    await sleep(link.clock, backoffMs(attempt, retry, link.random));
  }
}

function next({ wanted, routing }: SessionLink, deadlineMs: number, clock: Clock): Promise<Target> {
  return typeof wanted === 'string' ? routing.target(wanted, deadlineMs, clock) : Promise.resolve(wanted);
}
