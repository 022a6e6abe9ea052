import type { AwakeClock } from '../../common/awake-clock.js';
import type { Clock } from '../../common/clock.js';
import type { Mode } from '../../common/names.js';
import type { Random } from '../../common/random.js';
import type { RouteConfig } from '../core/model.js';
import type { Discovery, Monitors } from '../ports.js';

export interface ModeChange {
  readonly mode: Mode;
  readonly previous: Mode;
  /** A sentence for people. */
  readonly reason: string;
}

export interface RouterParts {
  readonly discovery: Discovery;
  readonly monitors: Monitors;
  readonly clock: Clock;
  /** Stands still while this process does not run, or the app keeps a log-in. */
  readonly patience: AwakeClock;
  readonly random: Random;
  /** So many are listed, more than are followed. */
  readonly onCrowd: (listed: number) => void;
  readonly config: RouteConfig & {
    readonly tickMs: number;
    /** Once everything has been down for this long, nobody waits any more. */
    readonly patienceMs: number;
  };
}
