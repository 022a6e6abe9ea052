import type { PoolLimits } from '../../config/pool.js';
import type { Timings } from '../../config/timings.js';
import type { Discovery } from '../../ports.js';

/** How a pool finds its members. */
export interface Route {
  readonly discovery: Discovery;
  /** For people: whose members these are. */
  readonly service: string;
  readonly timings: Timings;
  readonly systemId: string | null;
  readonly limits: PoolLimits;
  /** Called by `end()`: discovery made for this pool alone ends with it. */
  readonly close: () => void;
}
