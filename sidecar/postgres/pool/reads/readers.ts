import type pg from 'pg';
import type { PoolLimits } from '../../../config/pool.js';
import type { Timings } from '../../../config/timings.js';
import { both, type Need } from '../../../core/history/freshness.js';
import { parseReadToken, readTokenOf } from '../../../core/history/read-token.js';
import { codeOf } from '../../../../common/errors.js';
import { ConnectionLostError } from '../../../errors.js';
import type { Router } from '../../../shell/router.js';
import { connectBound, linkFor, type Ambient } from '../assemble.js';
import { withNewest, withOptions } from '../../session/options.js';
import { ReadGuard } from './read-guard.js';
import { ReadPool } from './read-pool.js';
import { clientClassOf } from '../../session/pg-internals/client.js';
import type { SessionLink } from '../../session/session-link.js';
import { sessionClass } from '../../session/session.js';
import { SessionPool, type Repeat } from '../session-pool.js';
import { watchWork } from './own-writes.js';

/**
 * What {@link Pool.readAfter} takes: a token of {@link Pool.readToken}, or whatever else a client sent back. Null and undefined:
 * it had none.
 *
 * @category Pool
 */
export type ReadToken = string | null | undefined;

export interface ReadersParts extends Ambient {
  /** What a session of the pool would be made with now. */
  readonly options: () => pg.PoolConfig;
  readonly router: Router;
  readonly timings: Timings;
  readonly limits: PoolLimits;
}

/** The sessions behind `pool.read` and `pool.readAfter`. Made when first asked for. */
export class Readers {
  readonly #guard: ReadGuard;
  #read: ReadPool | undefined;
  /** On the primary, for reads that no replica shows yet. */
  #onPrimary: SessionPool | undefined;

  constructor(private readonly parts: ReadersParts) {
    this.#guard = new ReadGuard(parts.router, parts.clock);
  }

  get read(): ReadPool {
    this.#read ??= this.#make();
    return this.#read;
  }

  async token(): Promise<string | null> {
    const { clock, timings } = this.parts;
    const position = await this.#guard.primaryAt(clock.nowMs() + timings.heartbeatTimeoutMs);
    return position && readTokenOf(position);
  }

  after(tokens: readonly ReadToken[], waitMs: number | undefined): pg.Pool {
    const need = tokens.length === 0 ? newest : tokens.map(needOfToken).reduce(both);
    return this.read.seeing(need, waitMs ?? this.parts.limits.readWaitMs);
  }

  /** What this session does counts as this process's own work, if anybody reads it. */
  watch(client: pg.ClientBase): void {
    if (this.parts.limits.readYourWrites) watchWork(client, this.#guard.onWork);
  }

  sweep(): void {
    this.#read?.sweep();
    this.#onPrimary?.sweep();
  }

  async end(): Promise<void> {
    // Somebody may have ended `read` before, as a pool of its own.
    const reading = this.#read?.ending ? undefined : this.#read?.end();
    await Promise.all([reading, this.#onPrimary?.end()]);
  }

  #make(): ReadPool {
    const { clock, limits } = this.parts;
    return new ReadPool(this.#options('read'), this.#again, {
      guard: this.#guard,
      clock,
      ownWrites: limits.readYourWrites,
      waitMs: limits.readWaitMs,
      primary: () => this.#primary(),
    });
  }

  #primary(): SessionPool {
    return (this.#onPrimary ??= this.#makeOnPrimary());
  }

  /** A read whose connection was lost is given to another member; one that replay had to push aside, to the primary. */
  readonly #again: Repeat = (error, session) => {
    if (error instanceof ConnectionLostError) return Promise.resolve();
    const pushedAside = session.role === 'replica' && recoveryConflicts.has(codeOf(error) ?? '');
    if (!pushedAside || this.read.ending) return null;
    return Promise.resolve((done) => this.#primary().connect(done));
  };

  /** What an app does to every new session of `pool.read` must be done to these as well. */
  #makeOnPrimary(): SessionPool {
    const pool = new SessionPool(this.#options('main'), this.#again);
    for (const event of ['connect', 'acquire', 'release', 'remove', 'error'] as const)
      pool.on(event, (...args: unknown[]) => this.read.emit(event, ...args));
    return pool;
  }

  #options(use: 'main' | 'read'): pg.PoolConfig {
    const { options, router, clock, awake, timings } = this.parts;
    const bound = () => connectBound(options(), timings, router, awake);
    const link: SessionLink = { ...linkFor(router, clock, use, bound), readOnly: true };
    const asMade = options();
    const Session = sessionClass(clientClassOf(asMade), () => link);
    return withOptions(asMade, { Client: withNewest(Session, options) });
  }
}

/**
 * What a single read on a replica meets when it is in the way of replay: "canceling statement due to conflict with
 * recovery", as a serialization failure or, over buffers, as a deadlock. Nothing else there has these codes.
 */
const recoveryConflicts: ReadonlySet<string> = new Set(['40001', '40P01']);

const newest: Need = { kind: 'newest' };

function needOfToken(token: ReadToken): Need {
  const position = parseReadToken(token);
  return position ? { kind: 'position', position } : newest;
}
