import { backoffMs } from '../../common/backoff.js';
import { sleep, type Clock } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import type { Random } from '../../common/random.js';
import type { Message } from '../../status/index.js';

/** Where messages go: a program, a web hook. */
export interface Outlet {
  readonly name: string;
  /** Rejects when it was not taken. */
  send(message: Message, signal: AbortSignal): Promise<void>;
}

export interface QueueOptions {
  readonly outlet: Outlet;
  readonly clock: Clock;
  readonly random: Random;
  /** Told of what could not be delivered, a sentence each. */
  readonly onTrouble: (sentence: string) => void;
}

const retry = { baseMs: 1_000, maxMs: 60_000 };
/** More are not kept: the oldest goes first. */
const mostKept = 100;

/** Delivers in order, and again until it is taken: what pages people is down when it is needed most. */
export class Queue {
  private readonly waiting: Message[] = [];
  private wake: () => void = () => {};

  constructor(private readonly options: QueueOptions) {}

  add(message: Message): void {
    this.waiting.push(message);
    if (this.waiting.length > mostKept) {
      const dropped = this.waiting.shift();
      this.options.onTrouble(
        `${this.options.outlet.name}: ${mostKept} messages wait; the oldest is given up: ${dropped?.cause}`,
      );
    }
    this.wake();
  }

  /** Until the signal fires. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, outlet, onTrouble } = this.options;
    let failures = 0;
    signal.addEventListener('abort', () => this.wake(), { once: true });
    while (!signal.aborted) {
      const [first] = this.waiting;
      if (!first) {
        await new Promise<void>((resolve) => (this.wake = resolve));
        continue;
      }
      try {
        await outlet.send(first, signal);
        failures = 0;
        if (this.waiting[0] === first) this.waiting.shift();
      } catch (error) {
        if (signal.aborted) return;
        if (failures === 0) onTrouble(`${outlet.name}: ${messageOf(error)}; it is tried again`);
        await sleep(clock, backoffMs(failures++, retry, random), { signal }).catch(() => {});
      }
    }
  }
}
