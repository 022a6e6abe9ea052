import { sharedKeys, type Snapshot } from '../../../common/failover/snapshot.js';

/**
 * The newest look at Consul. Answers overtake each other: one that was asked before an own write had its answer may come after it. Taken
 * back is what was seen only by an answer that was asked later, for a restored backup does have smaller numbers.
 */
export class Newest {
  private kept: Snapshot | undefined;
  private why = 'not read yet';

  get snapshot(): Snapshot | undefined {
    return this.kept;
  }

  /** Why it is unknown. */
  get trouble(): string {
    return this.why;
  }

  /** False: it is older than what is known, and was left out. `isLater`: it was asked after all that is known had been answered. */
  take(snapshot: Snapshot, isLater: boolean): boolean {
    if (!isLater && this.kept && isOlder(snapshot, this.kept)) return false;
    this.kept = snapshot;
    return true;
  }

  lose(why: string): void {
    this.kept = undefined;
    this.why = why;
  }
}

const isOlder = (one: Snapshot, other: Snapshot) =>
  sharedKeys.some((key) => one[key].index < other[key].index);
