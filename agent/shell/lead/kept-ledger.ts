import { sleep, type Clock } from '../../../common/clock.js';
import { messageOf } from '../../../common/errors.js';
import type { Log } from '../../../common/runtime/log.js';
import type { Ledger } from '../../core/lead/model.js';
import type { LedgerPort } from '../../lead-port.js';

/** One that cannot be read is tried again after so long, in ms. */
const retryMs = 2_000;

export interface KeptLedgerOptions {
  readonly ledger: LedgerPort;
  readonly clock: Clock;
  readonly log: Log;
}

/** The ledger as it stands on disk. */
export class KeptLedger {
  private content: Ledger | undefined;
  private trouble: string | undefined;

  constructor(private readonly options: KeptLedgerOptions) {}

  /** Undefined until it was read. */
  get known(): Ledger | undefined {
    return this.content;
  }

  /** A sentence while it cannot be read. */
  get complaint(): string | undefined {
    return this.trouble;
  }

  /** Tries until it is read or the signal fires: without it nothing may be decided. */
  async read(signal: AbortSignal): Promise<void> {
    const { ledger, clock, log } = this.options;
    while (!signal.aborted) {
      try {
        this.content = await ledger.read();
        this.trouble = undefined;
        return;
      } catch (error) {
        const why = messageOf(error);
        if (why !== this.trouble) log.error(why);
        this.trouble = why;
        await sleep(clock, retryMs, { signal }).catch(() => {});
      }
    }
  }

  async write(ledger: Ledger): Promise<void> {
    await this.options.ledger.write(ledger);
    this.content = ledger;
  }
}
