import { codeOf } from '../../../../common/errors.js';
import type { SessionLink } from '../session-link.js';
import { isFatal, troubleOf } from '../../proof/trouble.js';
import { isEnding, markEnded, shut, type ClientInternals } from '../pg-internals/client.js';
import {
  failWhenDone,
  hasActiveStatement,
  putBack,
  takeStatements,
  type Statement,
} from '../pg-internals/statements.js';
import { cameFrom } from './error-origin.js';
import { isRollback } from './refuse.js';
import {
  interrupted,
  tooLate,
  unacknowledged,
  unsent,
  writeRefused,
  type Circumstances,
} from './translate.js';

/**
 * What becomes of statements when their session is lost, or refuses them: errors are translated where they arrive, and the
 * router hears of it.
 */
export class Losses {
  #lost: Error | null = null;
  /** Whether a statement was in flight then. */
  #interrupted = false;

  constructor(
    private readonly client: ClientInternals,
    private readonly link: SessionLink,
    private readonly circumstances: () => Circumstances,
  ) {}

  /** Why its socket is dead; null: it is not known to be. */
  get lost(): Error | null {
    return this.#lost;
  }

  /** A new connection, a new chance. */
  forget(): void {
    this.#lost = null;
  }

  mark(error: Error): void {
    if (this.#lost !== null) return;
    this.#lost = error;
    const { target } = this.circumstances();
    if (!target || isEnding(this.client)) return;
    const trouble = troubleOf(error);
    this.link.routing.report(
      trouble.kind === 'crashed'
        ? { type: 'failed', target, trouble, by: 'session' }
        : { type: 'lost', target, by: 'session' },
    );
  }

  /**
   * On a dead connection nothing is sent, and the caller may know that. But for ROLLBACK: whoever sends it after a lost
   * COMMIT shows its answer to the app instead of the answer to COMMIT, so it gets the same.
   */
  refusal(config: unknown, lost: Error): Error {
    const as = this.#interrupted && isRollback(config) ? interrupted : tooLate;
    return this.#own(as(this.circumstances(), lost));
  }

  /** What the server said, in our words where we have better ones. */
  translated(error: Error): Error {
    if (isFatal(error)) {
      // The socket closes next. pg-pool must not hand this session out again in between.
      const statement = hasActiveStatement(this.client);
      this.mark(error);
      if (!statement) return error;
      shut(this.client);
      this.#interrupted = true;
      return this.#own(interrupted(this.circumstances(), error));
    }
    if (codeOf(error) !== '25006') return error;
    const { target } = this.circumstances();
    if (target) this.link.routing.report({ type: 'write-refused', target });
    return this.#own(writeRefused(this.circumstances(), error));
  }

  /**
   * A remark of the server. When a commit no longer waits for its standby because somebody cancelled that (R7), a remark is all
   * that tells it from one that was acknowledged. The source routine says which; the text depends on the language.
   */
  remarked(notice: { readonly routine?: string; readonly message?: string }): void {
    if (notice.routine !== 'SyncRepWaitForLSN' || !this.link.routing.managed) return;
    failWhenDone(this.client, this.#own(unacknowledged(this.circumstances(), notice.message ?? '')));
  }

  /** The connection has ended: what was sent may have been executed, what was not was not. */
  failAll(error: Error): void {
    const { sent, unsent: waiting } = takeStatements(this.client);
    const circumstances = this.circumstances();
    if (sent.length > 0) this.#interrupted = true;
    this.#fail(sent, () => this.#own(interrupted(circumstances, error)));
    this.#fail(waiting, () => this.#own(unsent(circumstances, error)));
  }

  /** The connection of an attempt has ended: what waits goes on waiting, for the next. */
  failSent(error: Error): void {
    const { sent, unsent: waiting } = takeStatements(this.client);
    this.#fail(sent, () => error);
    putBack(this.client, waiting);
  }

  /** It was ended before it was connected: what waits will never be sent. */
  abandon(error: Error): void {
    this.#fail(takeStatements(this.client).unsent, () => error);
  }

  /** There never was a connection. */
  neverConnected(error: Error): void {
    this.#lost ??= error;
    shut(this.client);
    markEnded(this.client);
    const { sent, unsent: waiting } = takeStatements(this.client);
    this.#fail([...sent, ...waiting], () => error);
  }

  #own(error: Error): Error {
    return cameFrom(error, this.client);
  }

  #fail(statements: Statement[], error: () => Error): void {
    for (const statement of statements)
      process.nextTick(() => statement.handleError(error(), this.client.connection));
  }
}
