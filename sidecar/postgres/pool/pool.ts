import { EventEmitter } from 'node:events';
import type pg from 'pg';
import { systemAwake, systemClock, systemRandom } from '../../../common/runtime/clock.js';
import { sameTarget, type Mode, type Role, type Target } from '../../../common/names.js';
import { readWait } from '../../config/pool.js';
import { account } from '../../core/words/remarks.js';
import { ReadOnlyError } from '../../errors.js';
import { inContextOfListener } from '../../listeners.js';
import type { ModeChange } from '../../shell/router-parts.js';
import type { Router } from '../../shell/router.js';
import { clientClassOf } from '../session/pg-internals/client.js';
import { asPgPool, asPgPoolClass, promiseOfPool } from '../session/pg-internals/open-pool.js';
import { withOptions } from '../session/options.js';
import type { Session, SessionLink } from '../session/session-link.js';
import { sessionClass } from '../session/session.js';
import { assemble, connectBound, linkFor, type Ambient } from './assemble.js';
import { DirectClients } from './connect-to.js';
import { ModeNews, type ModeDetail } from './modes/mode-news.js';
import { ModeWaiters } from './modes/mode-waiters.js';
import { plainReader } from './reads/plain-reader.js';
import { Readers, type ReadToken } from './reads/readers.js';
import { repeatOnPrimary } from './repeat-on-primary.js';
import type { Route } from './route.js';
import { SessionPool } from './session-pool.js';
import { emptyTopology, topologyOf, type Topology } from './topology.js';
import { transaction, type TransactionOptions } from './transaction.js';
import { WarmSpare, sparing } from './warm-spare.js';
import { joinCrowd, madeAt } from './warnings/crowd.js';

export type { PoolConfig as PgPoolConfig } from 'pg';

const ambient: Ambient = { clock: systemClock, awake: systemAwake, random: systemRandom };
const Base = asPgPoolClass(inContextOfListener(SessionPool, ['mode']));

/** What `Pool` is, but for how its discovery is made. */
export class RoutedPool extends Base {
  readonly #router: Router | null;
  readonly #route: Route | null;
  readonly #latestOptions: () => pg.PoolConfig;
  readonly #direct: DirectClients;
  readonly #readers: Readers | null;
  /** `read` of a plain connection. */
  #plainRead: pg.Pool | undefined;
  #spare: WarmSpare | undefined;
  #leaveCrowd = () => {};
  readonly #modeWaiters = new ModeWaiters(this, ambient.clock);
  readonly #modeNews = new ModeNews(this, ambient.clock);

  /** Without a route it is a plain connection. */
  constructor(config: pg.PoolConfig, route: Route | null) {
    // What an app changes in `options` counts for every session from then on, as with pg-pool. The Client is the app's own.
    const options = () => withOptions(this.options, { Client: config.Client });
    const place = madeAt(new.target);
    const listeners = {
      onStart: () => (this.#leaveCrowd = joinCrowd(route!.service, place)),
      onRetire: () => this.#sweepAll(),
      onMode: (change: ModeChange) => this.#changed(change),
      onHeard: () => this.#spare?.heard(),
    };
    const router = route && assemble(options, route, ambient, listeners);
    const bound = () => connectBound(this.options, route!.timings, router!, ambient.awake);
    const main = router && linkFor(router, ambient.clock, 'main', bound);
    /** The spare's own: it starts out as somebody else. */
    const links = new WeakMap<object, SessionLink>();
    const fresh = main && sessionClass(clientClassOf(config), (own) => links.get(own) ?? main);
    const Client = fresh && route!.limits.warmSpare ? sparing(fresh, () => this.#spare?.take()) : fresh;
    super(
      Client ? withOptions(config, { Client }) : config,
      router && repeatOnPrimary(router, route.limits.writeWaitMs, ambient.awake),
    );
    this.#router = router;
    this.#route = route;
    this.#latestOptions = options;
    const readers = route && new Readers({ options, router: router!, ...route, ...ambient });
    this.#readers = readers;
    this.#direct = new DirectClients(options, router, bound, ambient.clock, (client) =>
      readers?.watch(client),
    );
    if (!router) return;
    if (route.limits.readYourWrites) this.on('connect', (client) => readers!.watch(client));
    if (Client !== fresh)
      this.#keepSpare(router, main!, (link) => {
        const own = withOptions(this.options, {});
        links.set(own, link);
        return new fresh!(own);
      });
    // pg's declarations do not know the event.
    EventEmitter.prototype.on.call(this, 'newListener', (event) => {
      if (event === 'mode') router.start();
    });
  }

  #keepSpare(router: Router, link: SessionLink, make: (link: SessionLink) => Session): void {
    const spare = new WarmSpare({ router, ...ambient, link, make });
    this.#spare = spare;
    this.once('connect', () => spare.start());
  }

  #sweepAll(): void {
    this.sweep();
    this.#readers?.sweep();
  }

  #changed(change: ModeChange): void {
    // A replica that was promoted: not every session that reads there may be kept.
    this.#readers?.sweep();
    this.#modeWaiters.changed(change.mode);
    this.#modeNews.tell(change);
  }

  /**
   * What is possible now. `down` until the first member has proved itself, which begins with the first query, `waitForMode`
   * or `mode` listener. A plain connection always says `read-write`.
   */
  get mode(): Mode {
    return this.#router?.state.mode ?? 'read-write';
  }

  /** Since when the mode is what it is, wall-clock time. */
  get modeSince(): Date {
    return this.#modeNews.since;
  }

  /** Why the mode is what it is, as a sentence: `the primary 10.0.0.11:5432 refuses connections`. */
  get modeReason(): string {
    return this.#router ? account(this.#router.state) : 'a plain connection, without discovery';
  }

  /** The members as they are known now; never waits, never asks. Empty for a plain connection, and before the first use. */
  get topology(): Topology {
    if (!this.#router) return emptyTopology;
    return topologyOf(this.#router.state, ambient.clock.nowMs(), this.#router.routeConfig);
  }

  /**
   * How old the data is, at most, that {@link Pool.read} shows now; ms. Null: unknown, or nobody serves it. Where it is counted
   * from the last transaction that a replica has replayed, it is as right as the servers' clocks.
   */
  get dataAgeMs(): number | null {
    const { readFrom, members } = this.topology;
    const ages = members
      .filter((member) => readFrom.some((target) => sameTarget(target, member)))
      .map(({ lagMs }) => lagMs ?? NaN);
    const oldest = Math.max(...ages);
    return Number.isFinite(oldest) ? oldest : null;
  }

  /**
   * A second `pg.Pool`, of at most `max` sessions of its own, for reading: on a replica, on the primary when no replica
   * will do. Its sessions start with `default_transaction_read_only=on`, so a write fails with {@link ReadOnlyError}; a
   * `read.query` whose connection is lost is given to another member, up to three times, one that a replica cancels to get on with
   * replay to the primary. It ends with this pool.
   *
   * Of a plain connection: sessions to the same host that only read, without the second try.
   */
  get read(): pg.Pool {
    if (this.#readers) return asPgPool(this.#readers.read);
    this.#plainRead ??= plainReader(this.#latestOptions);
    return this.#plainRead;
  }

  /**
   * A short text that stands for everything the primary has acknowledged before this call, whoever did it: for
   * {@link Pool.readAfter}, in this process or in any other. One question to the primary, shared by all who ask at the same
   * time.
   *
   * @returns 28 letters, digits, `-` and `_`; neither secret nor signed. Null when there is no primary, when it does not say
   * within `heartbeatTimeoutMs` (550 ms), and on a plain connection. `readAfter(null)` reads from the primary. Never
   * rejects.
   */
  readToken(): Promise<string | null> {
    return this.#readers?.token() ?? Promise.resolve(null);
  }

  /**
   * {@link Pool.read} for somebody who comes with a token of {@link Pool.readToken} (or several, the newest counts): a replica
   * that has replayed so much, waited for at most `waitMs`, else the primary. Anything that is no token, or none of the
   * history that goes on, is read from the primary without waiting: a token may come from a stranger. Without a primary: from a
   * replica, after `waitMs` at most.
   *
   * @param token - What a client sent back; null and undefined: it had none.
   * @param options - How long to wait.
   * @param options.waitMs - 1 to 60000 ms; default what `readYourWrites` says, else 100 ms.
   * @returns A `pg.Pool` for queries and `connect` only: it is light, and ending it ends nothing. Of a plain connection: `read`.
   * @throws {@link ConfigError} for a bad `waitMs`.
   */
  readAfter(token: ReadToken | readonly ReadToken[], options: { waitMs?: number } = {}): pg.Pool {
    const { waitMs } = options;
    if (waitMs !== undefined) readWait(waitMs, 'waitMs');
    const tokens = typeof token === 'object' && token !== null ? token : [token];
    return this.#readers?.after(tokens, waitMs) ?? this.read;
  }

  /**
   * A session of your own on the primary, on a replica, or on one member whatever its role: not one of the pool's
   * `max`. `release()` closes it. Waited for as long as `connectDeadlineMs` (2000 ms), or nine tenths of
   * `connectionTimeoutMillis`.
   *
   * @param wanted - `primary` or `replica`, as proven; or a member, as in {@link Topology}, whatever it is.
   * @throws {@link ReadOnlyError} when the primary is wanted and there are only replicas.
   * @throws {@link DownError} when nobody who fits can be reached, the pool was ended, or a replica of a plain connection is
   * wanted. What a server says that refuses the log-in is thrown as it is.
   */
  connectTo(wanted: Role | Target): Promise<pg.PoolClient> {
    return this.#direct.open(wanted);
  }

  /**
   * BEGIN, `fn`, COMMIT on one session of the pool; ROLLBACK when `fn` throws. What is repeated, and after what, is told at
   * {@link TransactionOptions.retry}.
   *
   * @param fn - Given the session. Must not commit by itself, nor release the session. What it does beside the database is
   * done again with each repetition.
   * @param options - Default: nothing is repeated.
   * @returns What `fn` returned, once COMMIT was acknowledged.
   * @throws {@link OutcomeUnknownError} when COMMIT was sent and not answered: also on a plain connection, and after a
   * `query_timeout`.
   * @throws Whatever `fn` or a statement in it threw; after ROLLBACK, where there is still a session for that.
   * @throws A plain Error when COMMIT rolled back because a statement had failed and `fn` went on as if it had not.
   */
  transaction<T>(fn: (client: pg.PoolClient) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    return transaction(this, fn, options, async (error) => {
      if (error instanceof ReadOnlyError) await this.#router?.judgeWriter();
      const waitMs = this.#route?.limits.writeWaitMs ?? 0;
      if (waitMs > 0 && this.mode !== 'read-write')
        await this.waitForMode('read-write', waitMs).catch(() => {});
    });
  }

  /**
   * Resolves once the mode is (one of) `mode`; at once when it is already. Keeps the process alive while it waits.
   *
   * @param mode - One mode, or a list.
   * @param timeoutMs - How long to wait, ms; Infinity: for as long as it takes.
   * @throws {@link ModeTimeoutError} after `timeoutMs`.
   * @throws {@link DownError} as soon as the pool is ended.
   * @throws {@link ConfigError} for an unknown mode, or a time that is not valid.
   */
  waitForMode(mode: Mode | readonly Mode[], timeoutMs: number): Promise<void> {
    this.#router?.start();
    return this.#modeWaiters.wait(mode, timeoutMs);
  }

  /**
   * `mode`: what is possible has changed. Sessions that no longer fit are gone by then, so a query that the listener sends
   * goes to the right member. What a listener throws surfaces as an uncaught exception and stops nothing.
   */
  override on(event: 'mode', listener: (mode: Mode, detail: ModeDetail) => void): this;
  /** The events of `pg.Pool`. Without a listener for `error`, nothing happens: the death of an idle session is expected. */
  override on<K extends 'error' | 'release' | 'connect' | 'acquire' | 'remove'>(
    event: K,
    listener: K extends 'error' | 'release'
      ? (error: Error, client: pg.PoolClient) => void
      : (client: pg.PoolClient) => void,
  ): this;
  override on(event: string, listener: (...args: never[]) => void): this {
    return super.on(event as 'error', listener as never);
  }

  /**
   * Ends the pool, {@link Pool.read}, its monitors, and its discovery unless that is a shared {@link Resolver}. Waits for
   * sessions that are checked out, and for those of {@link Pool.connectTo}. Whoever waits for a turn, for a session of
   * `connectTo` or for a mode is rejected. A second time is an error, as with pg.
   */
  override end(): Promise<void>;
  /** The same, with a callback. */
  override end(callback: () => void): void;
  override end(callback?: (error?: Error) => void): Promise<void> | void {
    // Ending twice is pg-pool's to refuse.
    if (this.ending) return callback ? super.end(callback) : super.end();
    const Promise = promiseOfPool(this);
    const ended = new Promise<void>((resolve, reject) => this.#end().then(resolve, reject));
    if (!callback) return ended;
    ended.then(
      () => process.nextTick(callback),
      (error: Error) => process.nextTick(callback, error),
    );
  }

  async #end(): Promise<void> {
    this.#spare?.stop();
    this.#modeWaiters.end();
    const plain = this.#plainRead?.ending ? undefined : this.#plainRead?.end();
    await Promise.all([super.end(), this.#readers?.end(), plain, this.#direct.end()]);
    this.#leaveCrowd();
    this.#router?.stop();
    this.#route?.close();
  }
}
