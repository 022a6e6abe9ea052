import type { AwakeClock } from '../../common/awake-clock.js';
import type { Clock } from '../../common/clock.js';
import type { Mode } from '../../common/names.js';
import type { Random } from '../../common/random.js';
import type { RouteConfig } from '../core/model.js';
import type { Discovery, InFlight, Monitors, SessionHandle } from '../ports.js';

export interface ModeChange {
  readonly mode: Mode;
  readonly previous: Mode;
  /** A sentence for people. */
  readonly reason: string;
}

/** Who uses a router hears it here, at once. */
export interface RouterListeners {
  /** The first use. */
  readonly onStart: () => void;
  /** Sessions that no longer fit should end. */
  readonly onRetire: () => void;
  readonly onMode: (change: ModeChange) => void;
  /** Something was heard of a member, or time has passed. */
  readonly onHeard: () => void;
}

const nothing = () => {};

export const noListeners: RouterListeners = {
  onStart: nothing,
  onRetire: nothing,
  onMode: nothing,
  onHeard: nothing,
};

export interface RouterParts {
  readonly listeners: RouterListeners;
  readonly discovery: Discovery;
  readonly monitors: Monitors;
  readonly clock: Clock;
  /** Stands still while this process does not run, or the app keeps a log-in. */
  readonly patience: AwakeClock;
  readonly random: Random;
  /** What a session's server is busy with. */
  readonly inFlight: (session: SessionHandle) => InFlight | null;
  /** So many are listed, more than are followed. */
  readonly onCrowd: (listed: number) => void;
  readonly config: RouteConfig & {
    readonly tickMs: number;
    /** Once everything has been down for this long, nobody waits any more. */
    readonly patienceMs: number;
    /** How long a write may wait for a standby of a managed member. */
    readonly ackTimeoutMs: number;
  };
}
