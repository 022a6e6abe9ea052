import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from '../../../sidecar/index.js';
import { outcomeOf } from '../evidence/outcomes.js';
import type { Watch } from '../evidence/watch.js';
import { Pauses } from './pauses.js';
import type { Pause } from './steps.js';
import { Tally } from './tally.js';

const writers = 4;
/** Between two writes of a writer, in ms: a pause is measured as exactly as that. */
const paceMs = 5;

/** Single INSERTs through a Pool all the time, which repeat nothing by themselves: what they wait for is the pause of an app. */
export class SteadyWriters {
  readonly tally = new Tally();
  readonly #pauses = new Pauses(Date.now());
  #running = false;
  #work: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly pool: Pool,
    private readonly watch: Watch,
  ) {}

  start(): void {
    this.#running = true;
    this.takePause();
    this.#work = Promise.all(Array.from({ length: writers }, () => this.#loop()));
  }

  /** When none of them had an acknowledgement for the longest time, since the last call. */
  takePause(): Pause {
    return this.#pauses.take(Date.now());
  }

  async rest(): Promise<void> {
    this.#running = false;
    await this.#work;
  }

  async #loop(): Promise<void> {
    while (this.#running) {
      const n = this.tally.take();
      const { outcome } = await this.watch.run('a steady INSERT', asItIs, () =>
        this.pool.query("INSERT INTO tally VALUES ($1, 'pool')", [n]),
      );
      if (outcome === 'done') {
        this.tally.acknowledged(n);
        this.#pauses.acknowledged(Date.now());
      } else if (outcome === 'unknown') this.tally.unknown(n);
      await delay(paceMs);
    }
  }
}

const asItIs = (error: unknown) => error;

/** Whether certainly nothing was executed, so that an app may do it again. */
export const isSafeToRepeat = (thrown: unknown): boolean => {
  const outcome = outcomeOf(thrown);
  return outcome === 'read-only' || outcome === 'lost';
};
