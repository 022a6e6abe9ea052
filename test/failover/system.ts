import type { Pool } from '../../sidecar/index.js';

/** Two members under something that replaces a primary that is lost. */
export interface System {
  readonly name: string;
  /** As an app uses it; its writes wait for a primary. */
  pool(): Pool;
  /** Sends SIGKILL to the postmaster of the primary, and nothing to anything else. Tells when, by `performance.now()`. */
  kill(): Promise<number>;
  /** Brings back what does not come back by itself; resolves when the old primary streams, and another loss would be covered. */
  recover(): Promise<void>;
  remove(): Promise<void>;
}

/** An app waits so long for a primary, in ms: longer than any of them takes. */
export const writeWaitMs = 120_000;
