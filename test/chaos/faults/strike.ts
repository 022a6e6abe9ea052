import type { Member } from '../boxes.js';
import type { Fault } from './kinds.js';

/** Where a fault strikes, and when it is to be healed. */
export interface Strike {
  readonly fault: Fault;
  readonly box: Member;
  /** Resolves when its time is over. */
  readonly over: () => Promise<void>;
}

/** Does it, waits until its time is over, and heals it. Throws LeftOut where it cannot be done here. */
export type Inflict = (strike: Strike) => Promise<void>;

export class LeftOut extends Error {}
