import type pg from 'pg';
import type { Clock } from '../../../common/clock.js';
import type { Target } from '../../../common/names.js';
import type { Random } from '../../../common/random.js';
import type { HeldUpError, LogInTurn } from './own-side.js';

export interface MonitorTimings {
  /** From one answer to the next question. */
  readonly heartbeatIntervalMs: number;
  /** A member of which nothing is heard for so long, while an answer is due, is given up. */
  readonly heartbeatTimeoutMs: number;
  /** Between attempts to reach a member that is down. */
  readonly reconnectMs: number;
  /** The same once it has been down for `reconnectPatienceMs`, or rejects us. */
  readonly reconnectSlowMs: number;
  readonly reconnectPatienceMs: number;
}

export interface MonitorParts {
  /** A client for this target, not yet connected. */
  readonly client: (target: Target) => pg.Client;
  readonly clock: Clock;
  /** For deadlines: does not pass while this process does not run. */
  readonly awake: Clock;
  /** For a client that is about to connect; `heldUp` hears when our own side takes too long. */
  readonly turn: (client: pg.Client, heldUp: (error: HeldUpError) => void) => LogInTurn;
  readonly random: Random;
  readonly timings: MonitorTimings;
  /** Bytes that other sessions have read from this target so far. */
  readonly bytesReadFrom: (target: Target) => number;
  /** What a member that is alive says when it rejects us. */
  readonly onRefused: (target: Target, error: Error) => void;
}
