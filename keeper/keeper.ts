import { messageOf } from '../common/errors.js';
import { deadlinesMs, type Answer, type Facts, type Request, type Verb } from '../common/keeper/protocol.js';
import { Refused, TimedOut, type Box, type Order } from './box.js';
import { Lane } from './lane.js';
import { carryOut } from './verbs.js';

/**
 * Orders come one at a time: a second is refused as busy. `facts` is answered at any time; `fence` waits for nobody and cuts off
 * what is under way (F2).
 */
export class Keeper {
  /** Called when an order has ended that may have changed something. */
  onOrder: () => void = () => {};
  private readonly lane = new Lane();
  private current: { verb: Verb; progress: string; abort: AbortController } | undefined;

  constructor(private readonly box: Box) {}

  /** Never rejects. */
  async obey(request: Request, progress: (text: string) => void): Promise<Answer<Verb>> {
    const { verb } = request;
    try {
      if (verb === 'facts') return await this.perform(request, progress, new AbortController());
      if (verb === 'fence') {
        this.current?.abort.abort(new Error('cut off by a fence'));
        return await this.perform(request, progress, new AbortController());
      }
      if (this.current) throw new Refused('busy', `the keeper is busy with "${this.current.verb}"`);
      return await this.inTurn(request, progress);
    } catch (error) {
      return this.answerFor(verb, error);
    } finally {
      if (verb !== 'facts') this.onOrder();
    }
  }

  /** The keeper's own deadlines, in the same lane as orders. */
  async own(what: string, deadlineMs: number, work: (order: Order) => Promise<unknown>): Promise<void> {
    await this.lane.run(async () => {
      const abort = new AbortController();
      try {
        await work(this.order(deadlineMs, () => {}, abort.signal));
      } catch (error) {
        this.box.log.warn({ what }, messageOf(error));
      }
    });
  }

  private async inTurn(request: Request, progress: (text: string) => void): Promise<Answer<Verb>> {
    const abort = new AbortController();
    this.current = { verb: request.verb, progress: '', abort };
    try {
      // What the keeper does by itself is short: an order waits for it.
      return await this.lane.run(() =>
        this.perform(
          request,
          (text) => {
            if (this.current) this.current.progress = text;
            progress(text);
          },
          abort,
        ),
      );
    } finally {
      this.current = undefined;
    }
  }

  private async perform(
    request: Request,
    progress: (text: string) => void,
    abort: AbortController,
  ): Promise<Answer<Verb>> {
    const order = this.order(request.deadlineMs ?? deadlinesMs[request.verb], progress, abort.signal);
    const current: Facts['order'] = this.current && {
      verb: this.current.verb,
      progress: this.current.progress,
    };
    const result = await carryOut(this.box, request, order, current);
    return { outcome: 'done', result } as Answer<Verb>;
  }

  private order(deadlineMs: number, progress: (text: string) => void, signal: AbortSignal): Order {
    return { signal, deadlineAtMs: this.box.clock.nowMs() + deadlineMs, progress };
  }

  private answerFor(verb: Verb, error: unknown): Answer<Verb> {
    const sentence = messageOf(error)
      .replace(/\p{Cc}+/gu, ' ')
      .slice(0, 3_000);
    if (error instanceof Refused) return { outcome: 'refused', reason: error.reason, sentence };
    const late = error instanceof TimedOut || (error as { code?: unknown } | null)?.code === 'ETIMEDOUT';
    this.box.log.warn({ verb }, sentence);
    return { outcome: late ? 'timed-out' : 'failed', sentence };
  }
}
