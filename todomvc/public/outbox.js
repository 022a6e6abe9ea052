/**
 * Changes on their way, sent one after the other in the order they were made. One that could not be stored stays at
 * the head, `waiting`, and is sent again until it is stored, refused, or discarded: nothing typed is ever lost.
 */
export class Outbox {
  #changes = [];
  #sending = false;
  #failures = 0;
  #timer;
  #handlers;

  /** `send(change)` gives an outcome of api.js; handlers: onUpdate(), onDone(change, todo), onRefused(change, why). */
  constructor(send, handlers) {
    this.send = send;
    this.#handlers = handlers;
  }

  get changes() {
    return this.#changes;
  }

  get unsaved() {
    const waiting = this.#changes.filter((change) => change.waiting);
    return { count: waiting.length, why: waiting[0]?.waiting ?? '' };
  }

  add(change) {
    // Behind one that waits, the new one waits as well.
    const blocked = this.#changes[0]?.waiting;
    this.#changes.push(blocked ? { ...change, waiting: blocked } : change);
    this.#handlers.onUpdate();
    if (!blocked) void this.#pump();
  }

  /** Takes back what waits for this todo. Returns whether the server may know of it all the same. */
  discard(id) {
    const [head] = this.#changes;
    const under = this.#changes.filter((change) => change.id === id);
    const dropped = under.filter((change) => !(change === head && this.#sending));
    this.#changes = this.#changes.filter((change) => !dropped.includes(change));
    this.#handlers.onUpdate();
    this.retryNow();
    return under.length > dropped.length || dropped.some((change) => change.maybeStored);
  }

  /** Something changed for the better: do not wait for the timer. */
  retryNow() {
    this.#failures = 0;
    void this.#pump();
  }

  async #pump() {
    if (this.#sending) return;
    clearTimeout(this.#timer);
    this.#sending = true;
    try {
      while (this.#changes.length > 0 && (await this.#sendHead()));
    } finally {
      this.#sending = false;
    }
  }

  /** Whether to go on with the next one. */
  async #sendHead() {
    const [head] = this.#changes;
    const outcome = await this.send(head);
    if (outcome.kind === 'again') {
      if (!outcome.notStored) head.maybeStored = true;
      for (const change of this.#changes) change.waiting = outcome.why;
      this.#failures += 1;
      this.#timer = setTimeout(() => void this.#pump(), Math.min(5_000, 500 * 2 ** (this.#failures - 1)));
      this.#handlers.onUpdate();
      return false;
    }
    this.#failures = 0;
    this.#changes = this.#changes.slice(1);
    for (const change of this.#changes) delete change.waiting;
    if (outcome.kind === 'done') this.#handlers.onDone(head, outcome.todo);
    else this.#handlers.onRefused(head, outcome.why);
    return true;
  }
}
