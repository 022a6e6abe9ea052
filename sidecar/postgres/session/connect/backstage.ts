/**
 * The events of a client that is still going from host to host. Of a failed attempt nothing is heard: neither its end nor its
 * error, nor what its server had to remark.
 */
export class Backstage {
  #open = false;
  #remarks: unknown[][] = [];

  /** Whether events stay here. */
  get open(): boolean {
    return this.#open;
  }

  enter(): void {
    this.#open = true;
  }

  /** Another attempt begins. */
  clear(): void {
    this.#remarks = [];
  }

  /** Returns what the server remarked while it let us in: everybody may hear that now. */
  leave(): readonly unknown[][] {
    this.#open = false;
    return this.#remarks.splice(0);
  }

  /** Whether this event is not for others' ears, or not yet. */
  keeps(event: string, args: unknown[]): boolean {
    if (!this.#open) return false;
    if (event === 'notice') this.#remarks.push(args);
    return ['connect', 'end', 'error', 'notice', 'drain'].includes(event);
  }
}
