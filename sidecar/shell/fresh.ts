/** One question that many have at the same time. */
export class Fresh<T> {
  #running: Promise<T> | undefined;
  #next: Promise<T> | undefined;

  /** `question` never rejects. */
  constructor(private readonly question: () => Promise<T>) {}

  /** The answer to a question that is put after this call: one already under way may know nothing of what came last. */
  ask(): Promise<T> {
    if (!this.#running) return this.#put();
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      return this.#put();
    });
    return this.#next;
  }

  #put(): Promise<T> {
    const running = this.question().then((answer) => {
      if (this.#running === running) this.#running = undefined;
      return answer;
    });
    this.#running = running;
    return running;
  }
}
