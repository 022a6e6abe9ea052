import pg from 'pg';
import { connectStep, openUp } from '../pg-internals/open-client.js';
import { sendUnseen } from '../pg-internals/statements.js';

/**
 * A client that tracers do not see: they patch `connect` and `query` of pg.Client's prototype, and a heartbeat belongs to
 * no request of the app. Only for callbacks.
 */
export class QuietClient extends openUp(pg.Client) {
  override connect(callback?: (error: Error | null) => void): void {
    if (!callback) throw new TypeError('QuietClient.connect wants a callback');
    this[connectStep](callback);
  }

  override query(
    config: pg.QueryConfig,
    callback?: (error: Error | undefined, result: pg.QueryArrayResult) => void,
  ): void {
    if (!callback) throw new TypeError('QuietClient.query wants a callback');
    sendUnseen(this, config, callback);
  }
}
