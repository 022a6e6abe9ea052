import pg from 'pg';
import { sendUnseen, type ClientInternals } from '../pg-internals.js';

const Client = pg.Client as unknown as new (config?: pg.ClientConfig) => pg.Client & ClientInternals;

/**
 * A client that tracers do not see: they patch `connect` and `query` of pg.Client's prototype, and a heartbeat belongs to
 * no request of the app. Only for callbacks.
 */
export class QuietClient extends Client {
  override connect(): Promise<pg.Client>;
  override connect(callback: ((error: Error) => void) | ((error: null, client: pg.Client) => void)): void;
  override connect(callback?: unknown): Promise<pg.Client> | void {
    if (!callback) throw new TypeError('QuietClient.connect wants a callback');
    this._connect(callback as (error: Error | null) => void);
  }

  override query(...[config, callback]: unknown[]): never {
    if (typeof callback !== 'function') throw new TypeError('QuietClient.query wants a callback');
    sendUnseen(this, config as pg.QueryConfig, callback as (error: Error | undefined) => void);
    return undefined as never;
  }
}
