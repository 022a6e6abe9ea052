import type { Socket } from 'node:net';

/** A whole log-in may take so many times the time of a heartbeat, while something is heard. */
export const logInTimeouts = 4;

/** An app may bring a stream of its own, which has only what pg needs. */
export type Stream = NodeJS.EventEmitter & Partial<Pick<Socket, 'bytesRead'>> & { unref?(): unknown };

/**
 * A number that grows with everything that is heard. Under TLS it is still the socket below it that is looked at, which sees
 * the handshake too.
 */
export function heardOn(
  { connection }: { readonly connection: NodeJS.EventEmitter },
  stream: Stream,
): () => number {
  let messages = 0;
  if (stream.bytesRead === undefined) connection.on('message', () => (messages += 1));
  return () => stream.bytesRead ?? messages;
}

/**
 * A log-in takes several round trips, more with TLS: on a long way more than the time for a heartbeat. So it is silence
 * that counts, and only what dribbles on for ever meets the bound for the whole. While it is our turn nothing is due.
 */
export class LogInWatch {
  #before = 0;
  #silentHalves = 0;
  #left = 2 * logInTimeouts;

  constructor(private readonly heard: () => number) {}

  /** After each half of the time for a heartbeat. */
  look(ours: boolean): 'going on' | 'silent' {
    const heard = this.heard();
    this.#silentHalves = ours || heard > this.#before ? 0 : this.#silentHalves + 1;
    this.#before = heard;
    if (!ours) this.#left -= 1;
    return this.#silentHalves < 2 && this.#left > 0 ? 'going on' : 'silent';
  }
}
