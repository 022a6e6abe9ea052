import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPostgresPair, type PostgresPair } from '../../support/postgres.js';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';
import { ask, readEvents, startTestApp, type AppUnderTest } from '../../todomvc/app-under-test.js';
import { openPostgresDatabase, type OpenDatabase } from '../../todomvc/postgres-database.js';

/** One story on a real primary and its hot spare: each part goes on where the one before ended. */
describe('the app through the loss of its primary and back', () => {
  let pair: PostgresPair;
  let real: OpenDatabase;
  let app: AppUnderTest;
  let root: string;
  /** How long the library waits for a server that is silent, and for any server at all. */
  const waits = { heartbeatTimeoutMs: 2_000, connectDeadlineMs: 5_000 };

  beforeAll(async () => {
    pair = await startPostgresPair();
    const { primary, standby } = pair;
    real = await openPostgresDatabase({
      connectionString: primary.url(),
      hotspare: { hosts: [`127.0.0.1:${primary.port}`, `127.0.0.1:${standby.port}`], ...waits },
    });
    app = await startTestApp(real.database);
    root = `${app.url}/todos`;
  });
  afterAll(async () => {
    await app?.close();
    pair?.primary.thaw();
    await real?.close();
    await pair?.destroy();
  });

  const post = (title: string, id = randomUUID()) => ask(root, { method: 'POST', body: { id, title } });
  const mode = (wanted: string) =>
    waitFor(`mode ${wanted}`, eventuallyMs, () => real.database.mode.mode === wanted);

  it('reads its own writes from the primary', async () => {
    await mode('read-write');
    expect((await post('before')).status).toBe(201);
    const list = await ask(root);
    expect(list).toMatchObject({ status: 200, json: [{ title: 'before' }] });
    expect(list.headers).toMatchObject({
      'x-hotspare-mode': 'read-write',
      'x-hotspare-read-from': `127.0.0.1:${pair.primary.port}`,
      'x-hotspare-read-role': 'primary',
    });
    await pair.caughtUp();
  });

  it('kill -9 of the primary: every read is answered, writes are refused at once, pages are told', async () => {
    const stream = await readEvents(app.url);
    const modes = () => stream.events.filter(({ event }) => event === 'mode').map(({ data }) => data);
    await waitFor('the first event', eventuallyMs, () => modes().length === 1);
    const started = performance.now();
    let slowestMs = 0;
    const statuses: number[] = [];
    pair.primary.kill();
    const untilMs = started + 1_500;
    while (performance.now() < untilMs || (await ask(root)).headers['x-hotspare-mode'] !== 'read-only') {
      const before = performance.now();
      statuses.push((await ask(root)).status);
      slowestMs = Math.max(slowestMs, performance.now() - before);
    }
    expect([...new Set(statuses)]).toEqual([200]);
    expect(slowestMs).toBeLessThan(waits.connectDeadlineMs);
    await waitFor('the pages to be told', eventuallyMs, () => modes().at(-1)?.mode === 'read-only');
    expect(modes().at(-1)).toMatchObject({
      mode: 'read-only',
      reason: expect.stringMatching(/primary/) as string,
    });

    const asked = performance.now();
    const refused = await post('while read-only');
    expect(refused).toMatchObject({ status: 503, json: { type: 'urn:hotspare:problem:read-only' } });
    expect(refused.headers['retry-after']).toBeDefined();
    expect(performance.now() - asked).toBeLessThan(waits.connectDeadlineMs);

    expect((await ask(root)).headers).toMatchObject({
      'x-hotspare-mode': 'read-only',
      'x-hotspare-read-from': `127.0.0.1:${pair.standby.port}`,
      'x-hotspare-read-role': 'replica',
    });
    expect((await ask(`${app.url}/healthz`)).status).toBe(200);
    stream.close();
  });

  it('both gone: 503 of another type, and the app is still healthy', async () => {
    await pair.standby.stop('immediate');
    await mode('down');
    expect(await ask(root)).toMatchObject({ status: 503, json: { type: 'urn:hotspare:problem:down' } });
    expect((await ask(`${app.url}/healthz`)).status).toBe(200);
    expect((await ask(`${app.url}/`)).status).toBe(200);
  });

  it('back: writes again by itself, listens again for changes', async () => {
    await Promise.all([pair.standby.start(), pair.primary.start()]);
    await mode('read-write');
    const stream = await readEvents(app.url);
    await waitFor(
      'a change made elsewhere to be told',
      eventuallyMs,
      async () => {
        await pair.primary.query(`UPDATE todo.todos SET title = 'changed by hand'`);
        return stream.events.some(({ event }) => event === 'todos');
      },
      200,
    );
    expect((await post('after')).status).toBe(201);
    expect((await ask(root)).json).toMatchObject([{ title: 'changed by hand' }, { title: 'after' }]);
    stream.close();
  });

  it('a primary that freezes in the middle of a write: 504, never a hang; repeating it later stores it once', async () => {
    const id = randomUUID();
    // A session is open already, so the statement is sent, into silence.
    expect((await post('just before')).status).toBe(201);
    pair.primary.freeze();
    const asked = performance.now();
    const answer = await post('unconfirmed', id);
    expect(performance.now() - asked).toBeLessThan(eventuallyMs);
    expect(answer).toMatchObject({ status: 504, json: { type: 'urn:hotspare:problem:outcome-unknown' } });
    await mode('read-only');
    pair.primary.thaw();
    await mode('read-write');
    const again = await post('unconfirmed', id);
    expect([200, 201]).toContain(again.status);
    const stored = (await ask(root)).json as { title: string }[];
    expect(stored.filter(({ title }) => title === 'unconfirmed')).toHaveLength(1);
  });
});

describe('an app that starts while there is no primary', () => {
  it('migrates as soon as there is one', async () => {
    const pair = await startPostgresPair();
    const { primary, standby } = pair;
    try {
      await primary.stop();
      const opening = openPostgresDatabase({
        connectionString: primary.url(),
        hotspare: { hosts: [`127.0.0.1:${primary.port}`, `127.0.0.1:${standby.port}`], cacheFile: false },
      });
      await waitFor('the hot spare to answer', eventuallyMs, () =>
        standby.query('SELECT 1').then(() => true),
      );
      await primary.start();
      const real = await opening;
      expect((await real.database.list()).value).toEqual([]);
      await real.close();
    } finally {
      await pair.destroy();
    }
  });
});
