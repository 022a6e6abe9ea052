import type pg from 'pg';
import type { Clock } from '../../../../common/clock.js';
import type { Need, Verdict } from '../../../core/history/freshness.js';
import type { ReadGuard } from './read-guard.js';
import { asPgPool, type Connected } from '../../session/pg-internals/open-pool.js';
import { SessionPool, type Connect, type PooledSession, type Repeat } from '../session-pool.js';

type Done = Connected<PooledSession>;

export interface ReadParts {
  readonly guard: ReadGuard;
  readonly clock: Clock;
  /** Whether plain reads see all that this process has done on the primary. */
  readonly ownWrites: boolean;
  readonly waitMs: number;
  /** Sessions that only read, on the primary; on a replica while there is none. Made when first needed. */
  readonly primary: () => SessionPool;
}

/**
 * `pool.read`. A session that does not show yet what a read must see is waited for, and when that takes too long the read
 * gets one on the primary instead: so it is for `query` and `connect` alike.
 */
export class ReadPool extends SessionPool {
  constructor(
    options: pg.PoolConfig,
    repeat: Repeat,
    private readonly parts: ReadParts,
  ) {
    super(options, repeat);
  }

  override connect(callback?: Done): unknown {
    const { ownWrites, guard, clock, waitMs } = this.parts;
    if (!ownWrites) return super.connect(callback);
    if (!callback) return this.promised((done) => void this.connect(done));
    const deadlineMs = clock.nowMs() + waitMs;
    const need = guard.ownNeed(deadlineMs);
    if (!(need instanceof Promise)) return this.connectSeeing(need, deadlineMs, callback);
    void need.then((known) => this.connectSeeing(known, deadlineMs, callback));
  }

  /** This pool for reads that need more (or less) than what this process has done. Ending it ends nothing. */
  seeing(need: Need, waitMs: number): pg.Pool {
    const connect: Connect = (done) => this.connectSeeing(need, this.parts.clock.nowMs() + waitMs, done);
    const own: Record<PropertyKey, unknown> = {
      connect: (callback?: Done) => (callback ? connect(callback) : this.promised(connect)),
      query: (text: unknown, values?: unknown, callback?: unknown) =>
        typeof text === 'function' ? this.query(text) : this.queryOn(connect, text, values, callback),
      end: (callback?: () => void) => (callback ? process.nextTick(callback) : Promise.resolve()),
    };
    return new Proxy(asPgPool(this), {
      get(pool, key) {
        if (Object.hasOwn(own, key)) return own[key];
        const value: unknown = Reflect.get(pool, key, pool);
        return typeof value === 'function' && key !== 'constructor' ? value.bind(pool) : value;
      },
    });
  }

  /** In the Promise that the app has given pg. */
  promised(connect: Connect): Promise<PooledSession> {
    return new this.Promise((resolve, reject) =>
      connect((error, client) => (error ? reject(error) : resolve(client!))),
    );
  }

  /** A session that shows what is needed. */
  connectSeeing(need: Need, deadlineMs: number, done: Done): void {
    if (need.kind === 'anything') return this.#connectHere(done);
    const { guard } = this.parts;
    const readers = guard.readers();
    switch (guard.outlook(readers, need)) {
      case 'serves':
        return this.#connectAndCheck(need, deadlineMs, done);
      case 'never':
        return this.#connectToPrimary(done);
      case 'later':
        void guard.wait(readers, need, deadlineMs).then((verdict) => {
          if (verdict === 'serves' || !guard.hasPrimary) this.#connectAndCheck(need, deadlineMs, done);
          else this.#connectToPrimary(done);
        });
    }
  }

  #connectHere(done: Done): void {
    super.connect(done);
  }

  #connectToPrimary(done: Done): void {
    if (this.ending) return this.#connectHere(done);
    this.parts.primary().connect(done);
  }

  /** One of several replicas may have arrived, and the pool's session be to another: that one is waited for, too. */
  #connectAndCheck(need: Need, deadlineMs: number, done: Done): void {
    const { guard } = this.parts;
    this.#connectHere((error, client, release) => {
      const target = client?.target;
      if (error || !client || !target) return done(error, client, release);
      const decide = (verdict: Verdict) => {
        if (verdict === 'serves' || !guard.hasPrimary) return done(error, client, release);
        client.release();
        this.#connectToPrimary(done);
      };
      const verdict = guard.outlook([target], need);
      if (verdict === 'later') void guard.wait([target], need, deadlineMs).then(decide);
      else decide(verdict);
    });
  }
}
