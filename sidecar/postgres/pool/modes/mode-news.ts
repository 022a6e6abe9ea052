import type { EventEmitter } from 'node:events';
import type { Clock } from '../../../../common/clock.js';
import type { Mode } from '../../../../common/names.js';
import type { ModeChange } from '../../../shell/router-parts.js';

/**
 * What a listener of {@link Pool.on} hears with a new mode.
 *
 * @category Pool
 */
export interface ModeDetail {
  /** Wall-clock time of the change. */
  readonly since: Date;
  /** Why, as a sentence for people: `the primary 10.0.0.11:5432 refuses connections`. */
  readonly reason: string;
  /** The mode before. */
  readonly previous: Mode;
}

/** Tells the listeners of a pool of its new mode, and remembers since when that is so. */
export class ModeNews {
  #since: Date;

  constructor(
    private readonly pool: Pick<EventEmitter, 'emit'>,
    private readonly clock: Clock,
  ) {
    this.#since = new Date(clock.wallMs());
  }

  get since(): Date {
    return this.#since;
  }

  tell({ mode, previous, reason }: ModeChange): void {
    this.#since = new Date(this.clock.wallMs());
    const detail: ModeDetail = { since: this.#since, reason, previous };
    try {
      this.pool.emit('mode', mode, detail);
    } catch (thrown) {
      // A listener's own mistake: it must surface, and must not stop the failover that it was told of.
      process.nextTick(() => {
        throw thrown;
      });
    }
  }
}
