import type { Clock } from '../../../common/clock.js';

/** Ours, not the server's: the app's password, its stream, or the look-up of a name took longer than anybody waits. */
export class HeldUpError extends Error {
  constructor(host: string, mostMs: number) {
    super(
      `the log-in at ${host} was held up on our own side for more than ${mostMs} ms, by the app's password function, its stream or the look-up of the name`,
    );
    this.name = 'HeldUpError';
  }
}

export interface OwnSide {
  /** While it is our turn, time for the server stands still. */
  readonly hold: () => () => void;
  readonly clock: Clock;
  /** So long our own side may take at a stretch, ms. */
  readonly mostMs: number;
}

/** Whose turn it is in a log-in: see `session/connect/turn.ts`. */
export interface LogInTurn {
  readonly ours: boolean;
  /** The log-in has succeeded, or was given up. */
  over(): void;
}
