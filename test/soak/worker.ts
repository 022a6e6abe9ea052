import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Pool, type PoolConfig } from '../../sidecar/index.js';
import { seededRandom } from '../support/random.js';
import { waitFor } from '../support/wait.js';
import { knexOnClients, migrator, type ConnectionClient } from './clients/connection-clients.js';
import { Ledger } from './evidence/ledger.js';
import { Load } from './clients/load.js';
import type { Answer, Asked, Question, Setup, Tallied } from './messages.js';
import { OrmClient, type Subject } from './clients/orm-client.js';
import { ormsNamed } from './clients/orms.js';
import { plain } from './clients/plain.js';
import { allRows, allTallies, applicationName, createTables, removeRows } from './evidence/rows.js';
import { again } from './switchovers/again.js';
import { Steady } from './switchovers/steady.js';
import type { Pause } from './switchovers/steps.js';
import { openSockets, vitals } from './evidence/vitals.js';
import { Watch } from './evidence/watch.js';

// Ctrl-C reaches the whole group; the parent ends the load in good order.
process.on('SIGINT', () => {});

// What ORMs say of errors that the test looks at itself.
for (const level of ['log', 'info', 'warn', 'error'] as const) console[level] = () => {};

let unhandled = 0;
const late: string[] = [];
for (const event of ['unhandledRejection', 'uncaughtException'] as const)
  process.on(event, (error: unknown) => {
    unhandled += 1;
    late.push(`${event}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  });

const cacheFile = join(tmpdir(), `hotspare-soak-${process.pid}.json`);

/** The app under load: one process with every ORM in it, as a child of the soak test. It is told what to do by messages. */
class App {
  readonly watch: Watch;
  readonly #ledger = new Ledger();
  readonly #clients: readonly OrmClient[];
  readonly #connections: readonly ConnectionClient[];
  readonly #load: Load;
  readonly #steady: Steady | undefined;

  private constructor(
    private readonly setup: Setup,
    config: PoolConfig,
    private readonly subjects: readonly Subject[],
  ) {
    const { clientsPerOrm, seed, pauseMs, writeWaitMs } = setup;
    this.watch = new Watch(setup.deadlineMs, writeWaitMs !== undefined);
    const random = seededRandom(seed);
    const repeating = (subject: Subject): Subject => {
      const { orm, open } = subject;
      if (writeWaitMs === undefined || orm === plain) return subject;
      return {
        ...subject,
        again: (work) => again(work, orm.thrown, open.pool, writeWaitMs, () => this.#repeats()),
      };
    };
    this.#clients = this.subjects
      .map(repeating)
      .flatMap((subject) =>
        Array.from(
          { length: clientsPerOrm },
          (_, n) => new OrmClient(`${subject.orm.name}/${n}`, subject, this.#ledger, this.watch, random),
        ),
      );
    const { max: _max, idleTimeoutMillis: _idle, ...one } = config;
    const repeat =
      writeWaitMs === undefined
        ? undefined
        : <T>(work: () => Promise<T>, thrown: (error: unknown) => unknown) =>
            again(work, thrown, undefined, writeWaitMs, () => this.#repeats());
    this.#connections = [
      migrator({ ...one, ...setup.owner } as PoolConfig, this.watch, repeat),
      knexOnClients(one as PoolConfig, this.watch, repeat),
    ];
    if (writeWaitMs !== undefined)
      this.#steady = new Steady(new Pool({ ...config, max: 5 }), setup, this.watch);
    const turns = [...this.#clients, ...this.#connections].map((client) => () => client.turn());
    this.#load = new Load(turns, random, pauseMs);
  }

  static async open(setup: Setup): Promise<App> {
    const { login, consul, clientsPerOrm, writeWaitMs } = setup;
    const config: PoolConfig = {
      ...login,
      application_name: applicationName,
      options: '-c search_path=public',
      max: clientsPerOrm + 1,
      // So that a pool at rest has no sessions.
      idleTimeoutMillis: 1_000,
      ...(writeWaitMs === undefined ? {} : { writeWaitMs }),
      hotspare: {
        service: 'pg',
        dns: consul.dns,
        http: { url: consul.url, token: consul.token },
        cacheFile,
      },
    };
    const subjects = ormsNamed(setup.orms).map(async (orm) => ({
      orm,
      open: await orm.open(config),
      readsItsWrites: orm === plain,
    }));
    return new App(setup, config, await Promise.all(subjects));
  }

  get #pools() {
    return [
      ...this.subjects.map(({ orm, open: { pool } }) => ({ name: orm.name, pool })),
      ...(this.#steady ? [{ name: 'the steady Pool', pool: this.#steady.pool }] : []),
    ];
  }

  #repeats(): void {
    this.watch.seen.retries += 1;
  }

  start(): void {
    this.#load.start();
    this.#steady?.start();
  }

  get pause(): Pause {
    return this.#steady?.takePause() ?? { fromMs: 0, toMs: 0 };
  }

  async tally(): Promise<Tallied> {
    if (!this.#steady) throw new Error('there are no steady writers');
    const { wrong, ...tallied } = this.#steady.compare(await allTallies(this.setup));
    for (const complaint of wrong) this.watch.wrong(complaint);
    return tallied;
  }

  async waitForMode({ mode, timeoutMs }: Asked['waitForMode']['ask']): Promise<string[]> {
    const left = await Promise.all(
      this.#pools.map(({ name, pool }) =>
        pool.waitForMode(mode, timeoutMs).then(
          () => [],
          () => [`${name} is ${pool.mode}: ${pool.modeReason}`],
        ),
      ),
    );
    return left.flat();
  }

  async rest() {
    await Promise.all([this.#load.rest(), this.#steady?.rest()]);
    await Promise.all(this.#connections.map((one) => one.rest()));
    await waitFor('the pools to let go of their idle sessions', 30_000, () =>
      this.#pools.every(({ pool }) => pool.totalCount === 0 && pool.read.totalCount === 0),
    );
    return vitals();
  }

  async compare(): Promise<number> {
    const rows = await allRows(this.setup);
    for (const complaint of this.#ledger.complaints(rows)) this.watch.wrong(complaint);
    await removeRows(this.setup);
    this.#ledger.clear();
    for (const client of this.#clients) client.forget();
    return rows.length;
  }

  async close(socketsBefore: number): Promise<number> {
    await Promise.all([this.#load.rest(), this.#steady?.rest()]);
    await Promise.all([
      ...[...this.subjects.map(({ open }) => open), ...this.#connections].map((one) => one.close()),
      this.#steady?.pool.end(),
    ]);
    rmSync(cacheFile, { force: true });
    const left = () => openSockets() - socketsBefore;
    for (let tries = 0; tries < 50 && left() > 0; tries++) await delay(100);
    return Math.max(0, left());
  }
}

let app: App;
let socketsBefore = 0;
let closed = false;
const answers: { [K in keyof Asked]: (ask: Asked[K]['ask']) => Promise<Asked[K]['answer']> } = {
  async begin(setup) {
    await createTables(setup);
    socketsBefore = openSockets();
    app = await App.open(setup);
    const left = await app.waitForMode({ mode: 'read-write', timeoutMs: 30_000 });
    if (left.length > 0) throw new Error(left.join('; '));
    app.start();
    return null;
  },
  waitForMode: (ask) => app.waitForMode(ask),
  rest: () => app.rest(),
  compare: () => app.compare(),
  async resume() {
    app.start();
    return null;
  },
  pause: async () => app.pause,
  tally: () => app.tally(),
  async seen() {
    return {
      ...app.watch.seen,
      complaints: [...late, ...app.watch.seen.complaints],
      unhandled,
    };
  },
  close() {
    closed = true;
    return app.close(socketsBefore);
  },
};

process.on('disconnect', () => {
  // Whoever asked was killed. After `close` the process must come to its end without help.
  if (!closed) process.exit(1);
});

process.on('message', (question: Question) => {
  const answer = answers[question.kind] as (ask: unknown) => Promise<unknown>;
  const send = (answered: Answer) => process.send?.(answered);
  answer(question.ask).then(
    (value) => send({ answer: value }),
    (error: unknown) => send({ error: error instanceof Error ? error.message : String(error) }),
  );
});
