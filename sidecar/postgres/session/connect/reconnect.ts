import type pg from 'pg';
import {
  cancelTimeout,
  isEnding,
  startOver,
  type ClientInternals,
  type ConnectionOptions,
} from '../pg-internals/client.js';
import { putBack, takeStatements } from '../pg-internals/statements.js';
import { sslForName } from '../ssl.js';

const noop = () => {};

/** A pg.Client connects once. This puts another connection under it, so that it can try another host. */
export class Renewal {
  readonly #options: ConnectionOptions;
  /** As the app gave it: pg replaces a function by its answer, which may be for the host of the first attempt. */
  readonly #password: ClientInternals['password'];
  /** Settled when pg is not computing a proof of the password. */
  #loggingIn: Promise<void> = Promise.resolve();

  constructor(
    private readonly client: ClientInternals,
    config: pg.ClientConfig,
  ) {
    this.#password = client.password;
    this.#options = {
      stream: config.stream,
      ssl: sslForName(client.connection.ssl, client.host),
      sslNegotiation: client.sslNegotiation,
      keepAlive: config.keepAlive ?? false,
      keepAliveInitialDelayMillis: config.keepAliveInitialDelayMillis ?? 0,
      encoding: config.client_encoding ?? 'utf8',
    };
    client.connection.ssl = this.#options.ssl;
  }

  /** A log-in of pg goes on in the background, and then speaks to whatever connection the client has. */
  loggingIn(step: unknown): void {
    this.#loggingIn = Promise.resolve(step).then(noop, noop);
  }

  /** Gives up the connection of a failed attempt without anybody hearing of it. */
  discard(): void {
    const { connection } = this.client;
    connection.removeAllListeners();
    connection.on('error', noop);
    connection.stream.destroy();
    cancelTimeout(this.client);
  }

  async renew(): Promise<void> {
    await this.#loggingIn;
    if (isEnding(this.client)) return;
    const { unsent } = takeStatements(this.client);
    putBack(this.client, unsent);
    startOver(this.client, this.#password, this.#options);
  }
}
