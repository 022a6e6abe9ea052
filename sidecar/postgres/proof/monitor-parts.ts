import type { Clock } from '../../../common/clock.js';
import type { Target } from '../../../common/names.js';
import type { Random } from '../../../common/random.js';
import type { HeldUpError, LogInTurn } from './own-side.js';
import type { Stream } from './log-in-watch.js';
import type { Asking } from './questions.js';

export interface MonitorTimings {
  /** A member of which nothing is heard for so long, while an answer is due, is given up. */
  readonly heartbeatTimeoutMs: number;
  /** Between attempts to reach a member that is down. */
  readonly reconnectMs: number;
  /** The same once it has been down for `reconnectPatienceMs`, or rejects us. */
  readonly reconnectSlowMs: number;
  readonly reconnectPatienceMs: number;
}

/** As much of a pg.Client as a monitor needs. */
export interface MonitorClient extends NodeJS.EventEmitter, Asking {
  readonly connection: NodeJS.EventEmitter & { readonly stream: Stream & { destroy(): void } };
  connect(done: (error: Error | null) => void): void;
}

/** A client that is about to connect. */
export interface LogIn {
  readonly client: MonitorClient;
  readonly turn: LogInTurn;
}

export interface MonitorParts {
  /** `heldUp` hears when our own side takes too long. Throws what pg throws that cannot make a client. */
  readonly logIn: (target: Target, heldUp: (error: HeldUpError) => void) => LogIn;
  readonly clock: Clock;
  /** For deadlines: does not pass while this process does not run. */
  readonly awake: Clock;
  readonly random: Random;
  readonly timings: MonitorTimings;
  /** Bytes that other sessions have read from this target so far. */
  /** From one answer to the next question, ms. */
  readonly restMs: () => number;
  readonly bytesReadFrom: (target: Target) => number;
  /** What a member that is alive says when it rejects us. */
  readonly onRefused: (target: Target, error: Error) => void;
}
