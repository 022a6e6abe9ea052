/** One thing at a time; the next waits for its turn. */
export class Lane {
  private last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.last.catch(() => {}).then(work);
    this.last = turn;
    return turn;
  }
}
