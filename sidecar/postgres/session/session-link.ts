import type pg from 'pg';
import type { Clock } from '../../../common/clock.js';
import type { Role, Target } from '../../../common/names.js';
import type { Random } from '../../../common/random.js';
import type { Use } from '../../core/mode/eligible.js';
import type { OwnSide } from '../proof/own-side.js';
import type { Routing, SessionHandle } from '../../ports.js';

/** How long a connect may take. */
export interface ConnectBound {
  readonly ms: number;
  /** By which it is counted: without the time that this process sleeps, and as `own` says. */
  readonly clock: Clock;
  /** What becomes of the time that the app's own functions take. */
  readonly own: OwnSide;
}

/** How a session finds its host. */
export interface SessionLink {
  readonly routing: Routing;
  readonly clock: Clock;
  readonly random: Random;
  /** A use, or one fixed member whatever its role. */
  readonly wanted: Use | Target;
  /** For a host, a start-up and a proof, all in all. Asked at each connect. */
  readonly bound: () => ConnectBound;
  /** Start with `default_transaction_read_only=on`. */
  readonly readOnly: boolean;
}

/** A pg.Client that knows whom it is connected to. */
export interface Session extends pg.Client, SessionHandle {
  readonly target: Target | null;
  readonly role: Role | null;
  /** Its server has said that new transactions only read (14 and newer): a switchover, or the app's own wish. */
  readonly toldReadOnly: boolean;
  /** False once its socket is known to be dead. */
  readonly alive: boolean;
  /** Whether another user may get it: it is alive, where it should be, and not still busy with what was given up. */
  fits(): boolean;
  /** It is connected already; the next `connect` only says so, and from then on it keeps the process alive. */
  adopt(): void;
  ref(): void;
  unref(): void;
}
