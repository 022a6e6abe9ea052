import { randomBytes } from 'node:crypto';
import { sleep } from '../../common/clock.js';
import { TimedOut, type Box, type Order } from '../box.js';
import { revisionName } from '../state/settings.js';
import type { Session } from './sql.js';

const pollMs = 5;

/**
 * A commit of the keeper's own, in a session of its own: what happens to it happens to every commit after it (G1). The session
 * is made after the reload and looks at the setting first: a postmaster that gives it the new value has told all others.
 */
export class Barrier {
  private constructor(
    private readonly session: Session,
    private readonly done: () => boolean,
    private readonly failed: () => Error | undefined,
  ) {}

  /** Resolves once it is sent. Throws TimedOut when new sessions do not show `expected` in time, with what they show. */
  static async send(box: Box, order: Order, expected: string): Promise<Barrier> {
    return Barrier.sendOn(await sessionShowing(box, order, expected));
  }

  /** In a session that was made by `sessionShowing`. */
  static sendOn(session: Session): Barrier {
    let done = false;
    let failure: Error | undefined;
    session
      .send('SELECT pg_logical_emit_message(true, $1, $2)', [
        'hotspare',
        `barrier ${randomBytes(8).toString('hex')}`,
      ])
      .then(() => (done = true))
      .catch((error: Error) => (failure = error));
    return new Barrier(
      session,
      () => done,
      () => failure,
    );
  }

  /** Resolves with true once it is seen waiting for a standby, with false when it has returned. */
  async waits(box: Box, order: Order): Promise<boolean> {
    return this.until(box, order, 'a commit to wait behind the gate', async () => {
      if (this.done()) return { value: false };
      const [row] = await box.reserved.query(
        "SELECT wait_event = 'SyncRep' AS waits FROM pg_stat_activity WHERE pid = $1",
        [this.session.pid],
      );
      // Asked again: it may have returned since.
      return row?.['waits'] === true && !this.done() ? { value: true } : undefined;
    });
  }

  async returned(box: Box, order: Order): Promise<void> {
    await this.until(box, order, 'a commit to return', async () =>
      this.done() ? { value: true } : undefined,
    );
  }

  /** Its wait is cancelled: it has no client that would take that for an acknowledgement. */
  async end(box: Box): Promise<void> {
    this.session.close();
    if (this.done()) return;
    await box.reserved
      .query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND application_name = 'hotspare barrier'",
        [this.session.pid],
      )
      .catch(() => {});
  }

  private async until<T>(
    box: Box,
    order: Order,
    what: string,
    look: () => Promise<{ value: T } | undefined>,
  ): Promise<T> {
    for (;;) {
      order.signal.throwIfAborted();
      const failure = this.failed();
      if (failure) throw failure;
      const seen = await look();
      if (seen) return seen.value;
      if (box.clock.nowMs() > order.deadlineAtMs) throw new TimedOut(`waited for ${what}`);
      await sleep(box.clock, pollMs, { signal: order.signal });
    }
  }
}

/** A session that began after the postmaster had read the keeper's file (so all its children have been told). */
export async function sessionShowing(box: Box, order: Order, expected?: string): Promise<Session> {
  const { revision } = box.settings;
  for (;;) {
    order.signal.throwIfAborted();
    const session = await box.session(order, 'hotspare barrier');
    const [row] = await session.query(
      "SELECT current_setting($1, true) AS revision, current_setting('synchronous_standby_names') AS names",
      [revisionName],
    );
    const hasRead = row?.['revision'] === revision;
    if (hasRead && (expected === undefined || row['names'] === expected)) return session;
    session.close();
    if (hasRead)
      throw new Error(
        `synchronous_standby_names is ${JSON.stringify(row['names'])}: ALTER SYSTEM, another file or the command line beats ${box.config.postgres.settingsFile}`,
      );
    if (box.clock.nowMs() > order.deadlineAtMs)
      throw new TimedOut(`Postgres has not read ${box.config.postgres.settingsFile} anew`);
    await sleep(box.clock, pollMs, { signal: order.signal });
  }
}
