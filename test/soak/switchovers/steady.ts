import type { Pool } from '../../../sidecar/index.js';
import type { Setup, Tallied } from '../messages.js';
import type { Watch } from '../evidence/watch.js';
import { BareClient } from './bare-client.js';
import { SteadyWriters } from './steady-writers.js';
import type { Pause } from './steps.js';

/** Who writes all the time, beside the ORMs: a Pool, and one client of bare `pg`. */
export class Steady {
  readonly #writers: SteadyWriters;
  readonly #bare: BareClient;

  constructor(
    readonly pool: Pool,
    setup: Setup,
    watch: Watch,
  ) {
    this.#writers = new SteadyWriters(pool, watch);
    this.#bare = new BareClient(setup.servers, setup.login);
  }

  start(): void {
    this.#writers.start();
    this.#bare.start();
  }

  async rest(): Promise<void> {
    await Promise.all([this.#writers.rest(), this.#bare.rest()]);
  }

  takePause(): Pause {
    return this.#writers.takePause();
  }

  /** `rows`: those of the Pool are positive, those of the bare client negative. */
  compare(rows: readonly number[]): Tallied & { readonly wrong: readonly string[] } {
    const pool = this.#writers.tally.compare(rows.filter((n) => n > 0));
    const bare = this.#bare.tally.compare(rows.filter((n) => n < 0).map((n) => -n));
    const named = (who: string, numbers: readonly number[]) => numbers.map((n) => `${who} ${n}`);
    return {
      acknowledged: { pool: this.#writers.tally.size, bare: this.#bare.tally.size },
      lost: [...named('steady INSERT', pool.lost), ...named('INSERT of the bare client', bare.lost)],
      wrong: [
        ...this.#bare.wrong.splice(0),
        ...pool.wrong.map(refusedAndThere),
        ...bare.wrong.map((n) => refusedAndThere(-n)),
      ],
      bareRetries: this.#bare.retries,
    };
  }
}

const refusedAndThere = (n: number) => `tally ${n}: refused, and it is there`;
