import type { Backstage } from './connect/backstage.js';
import type { Opening } from './connect/opening.js';
import type { Losses } from './loss/losses.js';
import type { Overdue } from './loss/query-timeout.js';
import type { Reading } from './reading.js';
import type { SessionLink } from './session-link.js';

/** What a session has that a plain client has not. */
export interface Routed {
  readonly link: SessionLink;
  readonly losses: Losses;
  readonly overdue: Overdue;
  readonly opening: Opening;
  readonly reading: Reading;
  /** Entered by `connect`, left when it is proven. */
  readonly backstage: Backstage;
  connectCalled: boolean;
  /** From `connect` until everybody has been told; what is sent meanwhile waits. */
  holding: boolean;
  adopted: boolean;
  abort: (error: Error) => void;
}
