import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../../../common/random.js';

/** One thing after the other, for ever; each turn ends by itself. */
export type Client = () => Promise<void>;

/** Many clients that pause together: at rest none of them is in the middle of anything. */
export class Load {
  readonly #busy = new Set<Promise<void>>();
  #running = false;

  constructor(
    private readonly clients: readonly Client[],
    private readonly random: Random,
    /** Between two turns of a client, on average. */
    private readonly pauseMs: number,
  ) {}

  start(): void {
    this.#running = true;
    for (const client of this.clients) {
      const loop = this.#loop(client).finally(() => this.#busy.delete(loop));
      this.#busy.add(loop);
    }
  }

  /** Resolves when every client has ended its turn. */
  async rest(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#busy);
  }

  async #loop(client: Client): Promise<void> {
    while (this.#running) {
      await client();
      await delay(2 * this.random() * this.pauseMs);
    }
  }
}
