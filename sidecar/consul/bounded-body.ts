import type { IncomingMessage } from 'node:http';
import { Writable } from 'node:stream';

/** Collects the body of an answer, and has the request given up when there is too much of it. */
export class BoundedBody extends Writable {
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(
    private readonly maxBytes: number,
    private readonly giveUp: () => void,
  ) {
    super();
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#bytes += chunk.length;
    if (this.#bytes <= this.maxBytes) this.#chunks.push(chunk);
    else {
      this.#chunks = [];
      this.giveUp();
    }
    done();
  }

  /** Undefined for anything that does not call itself JSON. */
  parsed({ headers }: IncomingMessage): unknown {
    const [type] = (headers['content-type'] ?? '').split(';');
    if (type?.trim() !== 'application/json') return undefined;
    return JSON.parse(Buffer.concat(this.#chunks).toString('utf8'));
  }
}
