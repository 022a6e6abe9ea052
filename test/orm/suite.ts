import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { codeOf } from '../../common/errors.js';
import {
  ConnectionLostError,
  DownError,
  OutcomeUnknownError,
  ReadOnlyError,
  type HotspareError,
  type PoolConfig,
} from '../../sidecar/index.js';
import { Gate } from '../support/gate.js';
import { eventuallyMs } from '../support/patience.js';
import { startPostgresPair, type PostgresPair } from '../support/postgres.js';
import { waitFor } from '../support/wait.js';
import type { OpenOrm, OrmUnderTest } from './port.js';

const max = 5;

/** What a killed server never comes back from; a lock would be let go of by its own dying holder. */
const forever = 'pg_sleep(3600)';

/** A deferred trigger makes COMMIT itself stop. */
const schema = `
  CREATE TABLE notes (id serial PRIMARY KEY, text text NOT NULL, big bigint, tags jsonb,
                      at timestamptz NOT NULL DEFAULT now());
  CREATE TABLE slow_commits (n int);
  CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM ${forever}; RETURN NULL; END';
  CREATE CONSTRAINT TRIGGER stop AFTER INSERT ON slow_commits DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION stop();
  GRANT ALL ON notes, notes_id_seq, slow_commits TO app`;

const portOf = 'SELECT inet_server_port() AS port';
const port = async (orm: Pick<OpenOrm, 'raw'>) => Number((await orm.raw(portOf))[0]!['port']);

/** What came of something: its value or its error, and whether the test may go on without it. */
const outcome = (promise: Promise<unknown>): Promise<{ value?: unknown; error?: unknown }> =>
  promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );

const codes = new Map<unknown, string>([
  [ReadOnlyError, '25006'],
  [ConnectionLostError, '08006'],
  [OutcomeUnknownError, '08007'],
  [DownError, '57P03'],
]);

/** That the app finds this error, by the class if its ORM leaves it that, else by its code. */
function expectError(
  orm: OrmUnderTest,
  { error }: { error?: unknown },
  Class: new (m: string) => HotspareError,
): void {
  const thrown = orm.thrown(error);
  expect([orm.name, codeOf(thrown)], String(error)).toEqual([orm.name, codes.get(Class)]);
  if (orm.keepsErrors) expect(thrown).toBeInstanceOf(Class);
}

/** What one ORM was doing when the primary was killed. */
interface Caught {
  readonly statement: { error?: unknown };
  readonly statementInTransaction: { error?: unknown };
  readonly betweenStatements: { error?: unknown };
  readonly betweenRawStatements: { error?: unknown };
  readonly commit: { error?: unknown };
}

/**
 * All scenarios for all ORMs, on one pair of servers. They share the outage too: each ORM is caught in the middle of
 * everything it may be in the middle of, the primary is killed once, and each is asked what it has to say.
 */
export function describeOrms(orms: readonly OrmUnderTest[]): void {
  let pair: PostgresPair;
  const open = new Map<OrmUnderTest, OpenOrm>();
  const of = (orm: OrmUnderTest) => open.get(orm)!;
  /** The same with `writeWaitMs`. */
  const patient = new Map<OrmUnderTest, OpenOrm>();

  beforeAll(async () => {
    pair = await startPostgresPair();
    await pair.primary.administer([schema], 'app');
    await pair.caughtUp();
    const config = (): PoolConfig => ({
      user: 'app',
      password: 'app',
      database: 'app',
      max,
      hotspare: { hosts: [pair.primary, pair.standby].map(({ host, port }) => ({ host, port })) },
    });
    for (const orm of orms) {
      open.set(orm, await orm.open(config()));
      patient.set(orm, await orm.open({ ...config(), writeWaitMs: 60_000 }));
    }
  });
  afterAll(async () => {
    const closed = await Promise.allSettled(
      [...open.values(), ...patient.values()].map((orm) => orm.close()),
    );
    await pair?.destroy();
    expect(closed.filter(({ status }) => status === 'rejected')).toEqual([]);
  });

  const note = (text: string) =>
    pair.primary.query('SELECT count(*)::int FROM notes WHERE text = $1', [text]).then((rows) => rows[0]![0]);

  describe.each(orms)('$name, in good times', (orm) => {
    test('creates, reads, updates and deletes, with parameters and types', async () => {
      const at = new Date('2024-02-29T12:34:56.789Z');
      const given = { text: "it's $1; --", big: 9_007_199_254_740_993n, tags: { a: [1, null, 'ü'] }, at };
      const made = await of(orm).insert(given);
      expect(made).toEqual({ id: expect.any(Number), ...given });
      expect(await of(orm).find(made.id)).toEqual(made);
      expect(await of(orm).rename(made.id, 'renamed')).toBe(1);
      expect((await of(orm).find(made.id))?.text).toBe('renamed');
      expect(await of(orm).remove(made.id)).toBe(1);
      expect(await of(orm).remove(made.id)).toBe(0);
      expect(await of(orm).find(made.id)).toBeUndefined();
      expect(await of(orm).insert({ text: 'defaults' })).toMatchObject({
        big: null,
        tags: null,
        at: expect.any(Date),
      });
    });

    test('commits, and rolls back when the function throws', async () => {
      const id = await of(orm).transaction(async (tx) => {
        const { id } = await tx.insert({ text: 'first' });
        await tx.rename(id, 'second');
        expect(await of(orm).find(id)).toBeUndefined();
        return id;
      });
      expect((await of(orm).find(id))?.text).toBe('second');
      const failed = of(orm).transaction(async (tx) => {
        await tx.remove(id);
        throw new Error('changed my mind');
      });
      await expect(failed).rejects.toThrow('changed my mind');
      expect((await of(orm).find(id))?.text).toBe('second');
    });

    test('reads from the replica', async () => {
      const { id } = await of(orm).insert({ text: 'to be read elsewhere' });
      await waitFor('the replica to be proven', 10_000, () => of(orm).pool.topology.replicas.length === 1);
      const read = await waitFor('the row on the replica', 10_000, () => of(orm).reads.find(id));
      expect(read.text).toBe('to be read elsewhere');
      expect([await port(of(orm)), await port(of(orm).reads)]).toEqual([
        pair.primary.port,
        pair.standby.port,
      ]);
    });

    test('shows a refused write as ReadOnlyError, and errors of Postgres as they are', async () => {
      expectError(orm, await outcome(of(orm).reads.insert({ text: 'refused' })), ReadOnlyError);
      const { error } = await outcome(of(orm).raw('SELEKT'));
      expect(codeOf(orm.thrown(error))).toBe('42601');
      expect(await port(of(orm).reads)).toBe(pair.standby.port);
    });
  });

  describe.each(orms)('$name, when a read is cut off', (orm) => {
    test('pool.read repeats what is its own statement; else the app hears that repeating is safe', async () => {
      await waitFor('the replica to be proven', 10_000, () => of(orm).pool.topology.replicas.length === 1);
      const { sql, gates } = await Gate.closeOn(pair.standby);
      const read = outcome(of(orm).reads.raw(`SELECT 'whole' AS answer, ${sql}::text AS passed`));
      const [pid] = await gates[0].arrivals();
      await pair.standby.query('SELECT pg_terminate_backend($1)', [pid]);
      await gates[0].open();
      if (orm.usesPoolQuery) expect(await read).toMatchObject({ value: [{ answer: 'whole' }] });
      else expectError(orm, await read, ConnectionLostError);
    });
  });

  describe('when the primary is killed in the middle of everything', () => {
    const caught = new Map<OrmUnderTest, Caught>();

    beforeAll(async () => {
      let letGo = () => {};
      const killed = new Promise<void>((resolve) => (letGo = resolve));
      const inside: Promise<unknown>[] = [];
      const running = orms.map((orm) => {
        const db = of(orm);
        let arrived = () => {};
        let arrivedRaw = () => {};
        inside.push(new Promise<void>((resolve) => (arrived = resolve)));
        inside.push(new Promise<void>((resolve) => (arrivedRaw = resolve)));
        return {
          orm,
          statement: outcome(db.raw(`INSERT INTO notes (text) SELECT 'one statement' || ${forever}::text`)),
          statementInTransaction: outcome(
            db.transaction(async (tx) => {
              await tx.insert({ text: 'half' });
              await tx.raw(`SELECT ${forever}::text AS passed`);
            }),
          ),
          betweenStatements: outcome(
            db.transaction(async (tx) => {
              await tx.insert({ text: 'half' });
              arrived();
              await killed;
              await tx.insert({ text: 'the other half' });
            }),
          ),
          betweenRawStatements: outcome(
            db.transaction(async (tx) => {
              await tx.insert({ text: 'half' });
              arrivedRaw();
              await killed;
              await tx.raw("INSERT INTO notes (text) VALUES ('the other half')");
            }),
          ),
          commit: outcome(
            db.transaction(async (tx) => {
              await tx.insert({ text: 'unconfirmed' });
              await tx.raw(`INSERT INTO slow_commits VALUES (1)`);
            }),
          ),
        };
      });
      await Promise.all(inside);
      await waitFor('everybody to be in the middle of it', 20_000, async () => {
        const stopped = "SELECT count(*)::int FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
        return (await pair.primary.query(stopped))[0]![0] === 3 * orms.length;
      });
      pair.primary.kill();
      await Promise.all(orms.map((orm) => of(orm).pool.waitForMode('read-only', eventuallyMs)));
      // A statement sent before its session has heard of the end may be one of unknown outcome, which is true as well.
      await new Promise((resolve) => setTimeout(resolve, 100));
      letGo();
      for (const { orm, ...what } of running) {
        const [statement, statementInTransaction, betweenStatements, betweenRawStatements, commit] =
          await Promise.all([
            what.statement,
            what.statementInTransaction,
            what.betweenStatements,
            what.betweenRawStatements,
            what.commit,
          ]);
        caught.set(orm, {
          statement,
          statementInTransaction,
          betweenStatements,
          betweenRawStatements,
          commit,
        });
      }
    });

    describe.each(orms)('$name', (orm) => {
      const see = (what: keyof Caught) => caught.get(orm)![what];

      test('a statement in flight: its outcome is unknown', () => {
        expectError(orm, see('statement'), OutcomeUnknownError);
      });

      test('a COMMIT in flight: its outcome is unknown, and no later error hides that', () => {
        expectError(orm, see('commit'), OutcomeUnknownError);
      });

      test('a transaction: by what it was doing', () => {
        expectError(orm, see('statementInTransaction'), OutcomeUnknownError);
        expectError(orm, see('betweenStatements'), ConnectionLostError);
        expectError(orm, see('betweenRawStatements'), ConnectionLostError);
      });

      test('reads go on, on the replica; writes are refused; dead connections are gone', async () => {
        expect([await port(of(orm)), await port(of(orm).reads)]).toEqual([
          pair.standby.port,
          pair.standby.port,
        ]);
        for (const write of [
          () => of(orm).insert({ text: 'no' }),
          () => of(orm).transaction((tx) => tx.insert({ text: 'no' })),
        ])
          expectError(orm, await outcome(write()), ReadOnlyError);
        const { pool } = of(orm);
        await waitFor('sessions to be back in the pool', 10_000, () => pool.idleCount === pool.totalCount);
      });
    });
  });

  describe('when it is back', () => {
    const waited = new Map<OrmUnderTest, Promise<{ error?: unknown }>>();

    beforeAll(async () => {
      for (const orm of orms) {
        expect(await port(patient.get(orm)!)).toBe(pair.standby.port);
        waited.set(orm, outcome(patient.get(orm)!.insert({ text: 'waited' })));
      }
      for (const orm of orms) if (!orm.usesPoolQuery) await waited.get(orm);
      await pair.primary.start();
      await Promise.all(orms.map((orm) => of(orm).pool.waitForMode('read-write', 30_000)));
    });

    test('nothing was half done', async () => {
      for (const text of ['half', 'the other half', 'no', 'one statement', 'unconfirmed'])
        expect([text, await note(text)]).toEqual([text, 0]);
    });

    test.each(orms)(
      '$name: a write given meanwhile has waited, if it was one statement of the pool',
      async (orm) => {
        if (orm.usesPoolQuery) expect(await waited.get(orm)).toMatchObject({ value: { text: 'waited' } });
        else expectError(orm, (await waited.get(orm))!, ReadOnlyError);
      },
    );

    test.each(orms)('$name writes again, and all of its pool is there', async (orm) => {
      const made = await of(orm).transaction((tx) => tx.insert({ text: 'back' }));
      expect((await of(orm).find(made.id))?.text).toBe('back');
      const five = await Promise.all(
        [1, 2, 3, 4, 5].map((n) => of(orm).transaction((tx) => tx.insert({ text: `back ${n}` }))),
      );
      expect(five).toHaveLength(5);
      expect(await port(of(orm))).toBe(pair.primary.port);
    });
  });

  describe('when the primary freezes just as transactions begin', () => {
    const begun = new Map<OrmUnderTest, { error?: unknown }[]>();

    beforeAll(async () => {
      for (const orm of orms) {
        // So many sessions that each BEGIN goes to one at once.
        const { pool } = of(orm);
        const held = await Promise.all(Array.from({ length: max }, () => pool.connect()));
        for (const session of held) session.release();
      }
      pair.primary.freeze();
      await Promise.all(
        orms.map(async (orm) => {
          const all = Array.from({ length: max }, () =>
            outcome(of(orm).transaction((tx) => tx.insert({ text: 'frozen' }))),
          );
          begun.set(orm, await Promise.all(all));
        }),
      );
    });
    afterAll(() => pair.primary.thaw());

    test.each(orms)('$name hears of it, and no session is lost to the pool', async (orm) => {
      for (const { error } of begun.get(orm)!)
        expect(codeOf(orm.thrown(error)), String(error)).toMatch(/^0800[67]$/);
      const answers = await Promise.all(Array.from({ length: max }, () => port(of(orm))));
      expect(new Set(answers)).toEqual(new Set([pair.standby.port]));
    });

    test('and back', async () => {
      pair.primary.thaw();
      for (const orm of orms) {
        await of(orm).pool.waitForMode('read-write', eventuallyMs);
        await of(orm).transaction((tx) => tx.insert({ text: 'thawed' }));
      }
      expect(await note('frozen')).toBe(0);
    });
  });

  describe('when nobody is left', () => {
    beforeAll(() => {
      pair.primary.kill();
      pair.standby.kill();
    });

    test('reads and writes end with DownError', async () => {
      vi.spyOn(console, 'log').mockImplementation(() => {}); // where Knex says that it got no connection
      await Promise.all(orms.map((orm) => of(orm).pool.waitForMode('down', eventuallyMs)));
      await Promise.all(
        orms.flatMap((orm) =>
          [
            () => of(orm).find(1),
            () => of(orm).reads.find(1),
            () => of(orm).transaction((tx) => tx.insert({ text: 'no' })),
          ].map(async (attempt) => expectError(orm, await outcome(attempt()), DownError)),
        ),
      );
    });
  });
}
