import type { Timer } from '../../../../common/clock.js';
import { HeldUpError, type LogInTurn, type OwnSide } from '../../proof/own-side.js';
import { beforeSending, type ClientInternals } from '../pg-internals/client.js';

/** What a server asks in a log-in; the answer may take its time, here. */
const questions = [
  'authenticationCleartextPassword',
  'authenticationMD5Password',
  'authenticationSASL',
  'authenticationSASLContinue',
];

const noop = () => {};

/**
 * Whose turn it is in a log-in. Until the connection is really attempted it is ours (the look-up of a name, a stream of
 * the app's own), and from each question of the server until our answer is sent (a password function, .pgpass, the
 * computing of a proof). Made before the client connects.
 */
export class Turn implements LogInTurn {
  #release: () => void = noop;
  /** What is sent later, with every statement, is none of our business. */
  readonly #leave: () => void;
  #timer: Timer | undefined;
  #ours = false;
  #over = false;

  constructor(
    { connection, host }: Pick<ClientInternals, 'connection' | 'host'>,
    private readonly own: OwnSide,
    private readonly heldUp: (error: HeldUpError) => void,
  ) {
    const begin = () => this.#begin(host);
    const end = () => this.#end();
    begin();
    connection.stream.once('connectionAttempt', end);
    connection.stream.once('connect', end);
    for (const question of questions) connection.on(question, begin);
    this.#leave = beforeSending(connection, end);
  }

  get ours(): boolean {
    return this.#ours;
  }

  /** The log-in has succeeded, or was given up. */
  over(): void {
    this.#over = true;
    this.#leave();
    this.#end();
  }

  #begin(host: string): void {
    if (this.#ours || this.#over) return;
    const { clock, hold, mostMs } = this.own;
    this.#ours = true;
    this.#release = hold();
    this.#timer = clock.after(mostMs, () => this.heldUp(new HeldUpError(host, mostMs)), { ref: false });
  }

  #end(): void {
    this.#ours = false;
    this.#timer?.cancel();
    this.#release();
    this.#release = noop;
  }
}
