import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import type { Target } from '../../../common/names.js';
import { Client, Pool, type PoolConfig } from '../../../sidecar/index.js';
import { eventuallyMs } from '../../support/patience.js';
import { startPostgresPair, type PostgresPair } from '../../support/postgres.js';
import { waitFor } from '../../support/wait.js';

/**
 * Known ways to get stuck with connections to Postgres. Each is shown twice, at the same time and in the same trouble:
 * with plain pg, which hangs or fails, and with hotspare, which does not.
 */

/** What is promised is 0.8 s for a member that falls silent and 2 s for a connection; a busy test machine gets more. */
const oursWithinMs = 6_000;
/** How much longer plain pg is watched than ours took. */
const bareForMs = 1_500;

export type Outcome =
  { readonly kind: 'value'; readonly value: unknown } | { readonly kind: 'error'; readonly error: unknown };

export const outcomeOf = (work: Promise<unknown>): Promise<Outcome> =>
  work.then(
    (value) => ({ kind: 'value', value }),
    (error: unknown) => ({ kind: 'error', error }),
  );

/** The outcome of ours in bounded time, and proof that plain pg had none until well after that. */
export async function onlyBareIsStuck(bare: Promise<unknown>, ours: Promise<unknown>): Promise<Outcome> {
  const [plain, own] = [outcomeOf(bare), outcomeOf(ours)];
  const settled = await Promise.race([own, delay(oursWithinMs, 'stuck' as const)]);
  if (settled === 'stuck') throw new Error(`ours did not settle within ${oursWithinMs} ms`);
  expect(await Promise.race([plain, delay(bareForMs, 'stuck')])).toBe('stuck');
  return settled;
}

export const failure = (outcome: Outcome): unknown => {
  if (outcome.kind === 'error') return outcome.error;
  throw new Error(`should have failed, but gave ${JSON.stringify(outcome.value)}`);
};
export const success = (outcome: Outcome): unknown => {
  if (outcome.kind === 'value') return outcome.value;
  throw outcome.error;
};

export const login = { user: 'app', password: 'app', database: 'app' };
export const at = ({ host, port }: Target): Target => ({ host, port });
/** Plain pg ends the process for want of a listener. */
export const quiet = <T extends NodeJS.EventEmitter>(emitter: T): T => emitter.on('error', () => {});
export const port = async (db: Pick<pg.Pool, 'query'>): Promise<number> =>
  (await db.query<{ port: number }>('SELECT inet_server_port() AS port')).rows[0]!.port;

interface Endable {
  ending?: boolean;
  end(): Promise<void>;
}
const end = (item: Endable) => (item.ending ? undefined : item.end().catch(() => {}));

export interface Trouble {
  readonly pair: PostgresPair;
  barePool(target?: Target, options?: pg.PoolConfig): pg.Pool;
  ourPool(hosts?: Target[], options?: PoolConfig): Pool;
  bareClient(target?: Target, options?: pg.ClientConfig): pg.Client;
  ourClient(hosts?: Target[]): Client;
  /** Once it knows both members. */
  bothProven(pool: Pool): Promise<void>;
  /** After the test, the last first. */
  after(cleanUp: () => unknown): void;
  /** Thaws, and ends all that was made. */
  cleanUp(): Promise<void>;
}

/** A pair of servers for the file, with a table `notes`; thawed, and everything ended, after each test. */
export function trouble(): Trouble {
  let pair: PostgresPair | undefined;
  const cleanUps: (() => unknown)[] = [];
  const both = () => [pair!.primary, pair!.standby];
  const kept = <T extends Endable>(item: T, wait: boolean): T => {
    // What is stuck ends when it can.
    cleanUps.push(() => (wait ? end(item) : void end(item)));
    return item;
  };

  const following = () =>
    waitFor('the standby to follow', eventuallyMs, async () => {
      const [row] = await pair!.primary.query('SELECT count(*)::int FROM pg_stat_replication');
      return row?.[0] === 1;
    });
  const cleanUp = async () => {
    for (const server of both()) server.thaw();
    for (const work of cleanUps.splice(0).reverse()) await work();
  };

  beforeAll(async () => {
    pair = await startPostgresPair();
    await pair.primary.query('CREATE TABLE notes (n int)');
    await pair.primary.query('GRANT ALL ON notes TO app');
    await pair.caughtUp();
    await following();
  });
  beforeEach(following);
  afterEach(cleanUp);
  afterAll(() => pair?.destroy());

  return {
    get pair() {
      return pair!;
    },
    barePool: (target = pair!.primary, options = {}) =>
      kept(quiet(new pg.Pool({ ...login, ...at(target), ...options })), false),
    ourPool: (hosts = both(), options = {}) =>
      kept(new Pool({ ...login, hotspare: { hosts: hosts.map(at) }, ...options }), true),
    bareClient: (target = pair!.primary, options = {}) =>
      kept(quiet(new pg.Client({ ...login, ...at(target), ...options })), false),
    ourClient: (hosts = both()) => kept(new Client({ ...login, hotspare: { hosts: hosts.map(at) } }), true),
    async bothProven(pool) {
      await pool.query('SELECT 1');
      await waitFor('both members proven', eventuallyMs, () => pool.topology.replicas.length === 1);
    },
    after: (work) => void cleanUps.push(work),
    cleanUp,
  };
}
