import pg from 'pg';
import { systemClock, systemRandom } from '../../common/runtime/clock.js';
import type { Mode, Role, Target } from '../../common/names.js';
import { readWait, type PoolLimits, type Timings } from '../config.js';
import { sentence } from '../core/reasons.js';
import { ConnectionLostError, ModeTimeoutError } from '../errors.js';
import type { Discovery } from '../ports.js';
import type { ModeChange, Router } from '../shell/router.js';
import { assemble, connectDeadlineMs, linkFor, type Ambient } from './assemble.js';
import { DirectClients } from './direct.js';
import type { PoolInternals } from './internals.js';
import { withOptions } from './options.js';
import { plainReader, Readers, type ReadToken } from './readers.js';
import type { SessionLink } from './session-link.js';
import { sessionClass } from './session.js';
import { SessionPool, type Repeat } from './session-pool.js';
import { emptyTopology, topologyOf, type Topology } from './topology.js';
import { transaction, type TransactionOptions } from './transaction.js';
import { WarmSpare, sparing } from './warm-spare.js';

export interface ModeDetail {
  /** Wall-clock time of the change. */
  readonly since: Date;
  /** A sentence for people. */
  readonly reason: string;
  readonly previous: Mode;
}

/** Null discovery: a plain connection. */
export interface Route {
  readonly discovery: Discovery;
  readonly timings: Timings;
  readonly limits: PoolLimits;
  /** Called by `end()`: discovery made for this pool alone ends with it. */
  readonly close: () => void;
}

export type { PoolConfig as PgPoolConfig } from 'pg';

type ModeListener = (mode: Mode, detail: ModeDetail) => void;
type PoolEvent = 'error' | 'release' | 'connect' | 'acquire' | 'remove';

const ambient: Ambient = { clock: systemClock, random: systemRandom };

/** What `Pool` is, but for how its discovery is made. */
export class RoutedPool extends SessionPool {
  readonly #router: Router | null;
  readonly #route: Route | null;
  readonly #config: pg.PoolConfig;
  readonly #direct: DirectClients;
  readonly #readers: Readers | null;
  /** `read` of a plain connection. */
  #plainRead: pg.Pool | undefined;
  #spare: WarmSpare | undefined;
  #modeSince = new Date(ambient.clock.wallMs());

  constructor(config: pg.PoolConfig, route: Route | null) {
    const router = route && assemble(config, route.discovery, route.timings, route.limits, ambient);
    const deadlineMs = route ? connectDeadlineMs(config, route.timings) : 0;
    const main = router && linkFor(router, ambient.clock, 'main', deadlineMs);
    const fresh = main && linked(config, main);
    const Client = fresh && route!.limits.warmSpare ? sparing(fresh, () => this.#spare?.take()) : fresh;
    super(
      Client ? withOptions(config, { Client }) : config,
      router && repeatOnPrimary(router, route.limits.writeWaitMs),
    );
    this.#router = router;
    this.#route = route;
    this.#config = config;
    const readers = route && new Readers({ config, router: router!, ...route, ...ambient });
    this.#readers = readers;
    this.#direct = new DirectClients(config, router, deadlineMs, ambient.clock, (client) =>
      readers?.watch(client),
    );
    if (!router) return;
    if (route.limits.readYourWrites) this.on('connect', (client) => readers!.watch(client));
    if (Client !== fresh) this.#keepSpare(router, main!);
    router.onRetire = () => {
      this.sweep();
      readers!.sweep();
    };
    router.onMode = (change) => this.#announce(change);
    this.on(
      'newListener' as never,
      ((event: string) => {
        if (event === 'mode') router.start();
      }) as never,
    );
  }

  #keepSpare(router: Router, main: SessionLink): void {
    const base = (this.#config.Client ?? pg.Client) as typeof pg.Client;
    const spare = new WarmSpare({
      router,
      ...ambient,
      link: main,
      make: (link) => new (sessionClass(base, () => link))(this.options),
    });
    this.#spare = spare;
    this.once('connect', () => spare.start());
  }

  /** What is possible now. `down` until the first member has proved itself; a plain connection always says `read-write`. */
  get mode(): Mode {
    return this.#router?.state.mode ?? 'read-write';
  }

  /** Wall-clock time since when. */
  get modeSince(): Date {
    return this.#modeSince;
  }

  /** Why, as a sentence. */
  get modeReason(): string {
    return this.#router ? sentence(this.#router.state.reason) : 'a plain connection, without discovery';
  }

  get topology(): Topology {
    if (!this.#router) return emptyTopology;
    return topologyOf(this.#router.state, ambient.clock.nowMs(), this.#router.routeConfig);
  }

  /** How old the data is, at most, that `pool.read` shows now; ms. Null: unknown, or nobody serves it. */
  get dataAgeMs(): number | null {
    const { readFrom, members } = this.topology;
    const ages = members
      .filter(({ host, port }) => readFrom.some((target) => target.host === host && target.port === port))
      .map(({ lagMs }) => lagMs);
    return ages.length === 0 || ages.includes(null) ? null : Math.max(...(ages as number[]));
  }

  /**
   * A second pool, of at most `max` sessions of its own, for reading: on a replica, on the primary when no replica
   * will do. Its sessions start with `default_transaction_read_only=on`; a query whose connection is lost is given once
   * more to another member. It ends with this pool.
   */
  get read(): pg.Pool {
    if (this.#readers) return this.#readers.read;
    this.#plainRead ??= plainReader(this.#config);
    return this.#plainRead;
  }

  /**
   * A short text that stands for everything the primary has acknowledged before this call, whoever did it: for
   * `readAfter`, in this process or in any other. Null when the primary does not say, and on a plain connection: read from
   * the primary then. One question to the primary, shared by all who ask at the same time.
   */
  readToken(): Promise<string | null> {
    return this.#readers?.token() ?? Promise.resolve(null);
  }

  /**
   * `pool.read` for somebody who comes with a token (or several, the newest counts): a replica that has replayed so
   * much, waited for at most `waitMs` (default 100 ms, or what `readYourWrites` says), else the primary. So is anything that
   * is no token, or none of the history that goes on: a token may come from a stranger. Without a primary: a replica.
   *
   * What is returned is for queries only: it is light, and ending it ends nothing.
   */
  readAfter(token: ReadToken | readonly ReadToken[], { waitMs }: { waitMs?: number } = {}): pg.Pool {
    if (waitMs !== undefined) readWait(waitMs, 'waitMs');
    const tokens = Array.isArray(token) ? (token as readonly ReadToken[]) : [token as ReadToken];
    return this.#readers?.after(tokens, waitMs) ?? this.read;
  }

  /**
   * A session of your own on the primary, on a replica, or on one member whatever its role: not one of the pool's
   * `max`. `release()` closes it.
   */
  connectTo(wanted: Role | Target): Promise<pg.PoolClient> {
    return this.#direct.open(wanted);
  }

  /** See TransactionOptions. `fn` must not commit by itself. */
  transaction<T>(fn: (client: pg.PoolClient) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    return transaction(this, fn, options, async () => {
      const waitMs = this.#route?.limits.writeWaitMs ?? 0;
      if (waitMs > 0 && this.mode !== 'read-write')
        await this.waitForMode('read-write', waitMs).catch(() => {});
    });
  }

  /** Resolves once the mode is (one of) `mode`; rejects with ModeTimeoutError after `timeoutMs`. */
  waitForMode(mode: Mode | readonly Mode[], timeoutMs: number): Promise<void> {
    this.#router?.start();
    return waitForMode(this, ([] as Mode[]).concat(mode), timeoutMs);
  }

  override on(event: 'mode', listener: ModeListener): this;
  override on<K extends PoolEvent>(
    event: K,
    listener: K extends 'error' | 'release'
      ? (error: Error, client: pg.PoolClient) => void
      : (client: pg.PoolClient) => void,
  ): this;
  override on(event: string, listener: (...args: never[]) => void): this {
    return super.on(event as 'error', listener as never);
  }

  override end(): Promise<void>;
  override end(callback: () => void): void;
  override end(callback?: (error?: Error) => void): Promise<void> | void {
    // Ending twice is pg-pool's to refuse.
    if (this.ending) return callback ? super.end(callback) : super.end();
    const { Promise } = this as unknown as PoolInternals;
    const ended = new Promise<void>((resolve, reject) => this.#end().then(resolve, reject));
    if (!callback) return ended;
    ended.then(
      () => process.nextTick(callback),
      (error: Error) => process.nextTick(callback, error),
    );
  }

  async #end(): Promise<void> {
    this.#spare?.stop();
    const plain = this.#plainRead?.ending ? undefined : this.#plainRead?.end();
    await Promise.all([super.end(), this.#readers?.end(), plain, this.#direct.end()]);
    this.#router?.stop();
    this.#route?.close();
  }

  #announce({ mode, previous, reason }: ModeChange): void {
    this.#modeSince = new Date(ambient.clock.wallMs());
    const detail: ModeDetail = { since: this.#modeSince, reason, previous };
    try {
      this.emit('mode', mode, detail);
    } catch (thrown) {
      // A listener's own mistake: it must surface, and must not stop the failover that it was told of.
      process.nextTick(() => {
        throw thrown;
      });
    }
  }
}

function linked(config: pg.PoolConfig, link: SessionLink) {
  return sessionClass((config.Client ?? pg.Client) as typeof pg.Client, () => link);
}

/** A write that came to a replica was not executed: it goes to the primary if there is one, now or soon. */
function repeatOnPrimary(router: Router, writeWaitMs: number): Repeat {
  return (error, session) => {
    if (error instanceof ConnectionLostError) return Promise.resolve();
    if (session.role !== 'replica') return null;
    if (router.state.mode === 'read-write') return Promise.resolve();
    if (writeWaitMs === 0) return null;
    return router.target('primary', ambient.clock.nowMs() + writeWaitMs).then(() => {});
  };
}

function waitForMode(pool: RoutedPool, modes: readonly Mode[], timeoutMs: number): Promise<void> {
  if (modes.includes(pool.mode)) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const end = () => {
      timer.cancel();
      pool.removeListener('mode', onMode);
    };
    const onMode = (mode: Mode) => {
      if (!modes.includes(mode)) return;
      end();
      resolve();
    };
    const timer = ambient.clock.after(timeoutMs, () => {
      end();
      reject(
        new ModeTimeoutError(
          `still ${pool.mode} after ${timeoutMs} ms, not ${modes.join(' or ')}: ${pool.modeReason}`,
        ),
      );
    });
    pool.on('mode', onMode);
  });
}
