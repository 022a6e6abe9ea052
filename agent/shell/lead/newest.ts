import { sharedKeys, type Snapshot } from '../../../common/failover/snapshot.js';

/**
 * The newest look at Consul. Answers overtake each other: that of a watch may come before that of an own write or read which it has seen,
 * and after one that it has not. Taken back is what was seen only by an answer that was asked once it was known, for a restored backup
 * does have smaller numbers.
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

  /**
   * False: it is older than what is known, and was left out. `known`: what was known when it was asked; undefined: that is not known, as
   * of a watch.
   */
  take(snapshot: Snapshot, known?: Snapshot): boolean {
    const isLater = known !== undefined && known === this.kept;
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
