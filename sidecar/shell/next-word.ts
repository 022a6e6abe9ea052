/** Those who wait for what is heard of a member next. */
export class NextWord {
  readonly #waiting = new Map<string, (() => void)[]>();
  #ended = false;

  /** Whatever it is. Never rejects. */
  heard(key: string): Promise<void> {
    if (this.#ended) return Promise.resolve();
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(key);
      if (waiting) waiting.push(resolve);
      else this.#waiting.set(key, [resolve]);
    });
  }

  said(key: string): void {
    const waiting = this.#waiting.get(key);
    if (!waiting) return;
    this.#waiting.delete(key);
    for (const resolve of waiting) resolve();
  }

  end(): void {
    this.#ended = true;
    for (const key of [...this.#waiting.keys()]) this.said(key);
  }
}
