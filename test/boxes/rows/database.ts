import { expect, test } from 'vitest';
import { setTimeout as delay } from 'node:timers/promises';
import { eventuallyMs, toldMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';
import { untilWell } from '../support/health.js';
import { failures, slowest, SteadyLoad, type Sent } from '../support/steady.js';
import { boxes } from '../support/vagrant-boxes.js';
import { banner, openTodos, pageTest } from './page.js';

const unit = () =>
  boxes.shell('pg1', 'systemctl show -p ActiveState --value postgresql@15-main.service postgresql.service');

export function database(): void {
  pageTest(
    'sudo service postgresql stop on pg1: a banner; the agent leaves it stopped; start brings it back',
    async (context) => {
      const page = await openTodos(context, boxes.urls()[0] as string);
      const load = new SteadyLoad(boxes.urls());
      await delay(500);
      const stoppedMs = performance.now();
      const stop = boxes.shell('pg1', 'sudo service postgresql stop');
      await banner(page).waitFor();
      const bannerMs = performance.now() - stoppedMs;
      await stop;
      await delay(5_000);
      // Whoever stopped it, meant it.
      expect(await unit()).toBe('inactive\n\ninactive');
      const startedMs = performance.now();
      await boxes.shell('pg1', 'sudo service postgresql start');
      await banner(page).waitFor({ state: 'hidden' });
      const backMs = performance.now() - startedMs;
      const sent = await load.stop();
      console.log(
        `postgresql stopped on pg1: banner on the page after ${bannerMs.toFixed(0)} ms, read-only for all after ${readOnlyMs(sent, load, stoppedMs).toFixed(0)} ms, ` +
          `slowest of ${sent.length} requests ${slowest(sent).toFixed(0)} ms; started: banner gone after ${backMs.toFixed(0)} ms`,
      );
      expect(bannerMs).toBeLessThan(toldMs);
      expect(failures(reads(sent))).toEqual([]);
      expect(slowest(sent)).toBeLessThan(toldMs);
      await untilWell();
    },
  );

  test("hotspare service stop and start drive the unit with the topology's secret, and not without", async () => {
    const ask = (box: string, command: string) =>
      boxes.shell(box, `${command} 2>&1; echo "exit $?"`).then((text) => text.split('\n'));
    const stranger = await ask('nginx2', 'runuser -u www-data -- hotspare service stop pg@pg1');
    expect(stranger.join()).toMatch(/this user may not read it.*exit 2/);
    const bare = `curl -s -o /dev/null -w '%{http_code}' -X POST http://${boxes.address('pg1')}:8008/v1/services/pg/stop`;
    expect(await boxes.shell('nginx2', bare)).toBe('401');
    expect(await boxes.shell('nginx2', `${bare} -H 'Authorization: Bearer guessed'`)).toMatch(/^40[13]$/);
    expect((await unit()).split('\n')[0]).toBe('active');
    expect(await ask('nginx2', 'sudo hotspare service stop pg@pg1')).toEqual([
      'pg on pg1: stopped (postgresql@15-main.service)',
      'exit 0',
    ]);
    expect((await unit()).split('\n')[0]).toBe('inactive');
    expect(
      await ask('adm1', 'sudo hotspare service start pg@pg1 --agent ' + boxes.address('pg1') + ':8008'),
    ).toEqual(['pg on pg1: running (postgresql@15-main.service)', 'exit 0']);
    await untilWell();
  });

  cutOff('the link of pg1 cut', {
    begin: () => boxes.link('pg1', 'down'),
    // For itself it is still the primary; its replica has this to catch up with.
    meanwhile: () =>
      psql('pg1', `INSERT INTO todo.todos (id, title) VALUES (gen_random_uuid(), 'while the link was cut')`),
    end: () => boxes.link('pg1', 'up'),
  });
  cutOff('pg1 frozen', {
    begin: () => boxes.freeze('pg1'),
    end: () => boxes.thaw('pg1'),
  });
}

interface Fault {
  readonly begin: () => Promise<unknown>;
  readonly meanwhile?: () => Promise<unknown>;
  readonly end: () => Promise<unknown>;
}

function cutOff(fault: string, { begin, meanwhile, end }: Fault): void {
  test(`${fault}: read-only, no request hangs; healed: read-write, and replication catches up`, async () => {
    const load = new SteadyLoad(boxes.urls());
    await delay(1_000);
    const beganMs = performance.now();
    await begin();
    await waitFor('read-only through every balancer', 30_000, () =>
      boxes.urls().every((url) => load.firstInMode('read-only', beganMs, url)),
    );
    await delay(4_000);
    await meanwhile?.();
    const endedMs = performance.now();
    await end();
    await waitFor('read-write through every balancer', 60_000, () =>
      boxes.urls().every((url) => load.firstInMode('read-write', endedMs, url)),
    );
    const sent = await load.stop();
    await untilWell();
    const wellMs = performance.now() - endedMs;
    const backMs = Math.max(
      ...boxes.urls().map((url) => answeredMs(load.firstInMode('read-write', endedMs, url)) - endedMs),
    );
    const toReadOnlyMs = readOnlyMs(sent, load, beganMs);
    console.log(
      `${fault}: read-only for all after ${toReadOnlyMs.toFixed(0)} ms, slowest of ${sent.length} requests ${slowest(sent).toFixed(0)} ms; ` +
        `healed: read-write for all after ${backMs.toFixed(0)} ms, all well after ${wellMs.toFixed(0)} ms`,
    );
    expect(toReadOnlyMs).toBeLessThan(toldMs);
    expect(failures(reads(sent))).toEqual([]);
    expect(slowest(sent)).toBeLessThan(toldMs);
    const lsn = await psql('pg1', 'SELECT pg_current_wal_lsn()');
    await waitFor(
      'the replica to have replayed all',
      eventuallyMs,
      async () => (await psql('pg2', `SELECT pg_last_wal_replay_lsn() >= '${lsn}'`)) === 't',
    );
    const count = `SELECT count(*) FROM todo.todos WHERE title = 'while the link was cut'`;
    expect(await psql('pg2', count)).toBe(await psql('pg1', count));
  });
}

export const psql = (box: string, sql: string) =>
  boxes.shell(box, `runuser -u postgres -- psql -X -q -A -t -v ON_ERROR_STOP=1 -d todo -c "${sql}"`);

export const reads = (sent: readonly Sent[]) => sent.filter(({ method }) => method === 'GET');

const answeredMs = (sent: Sent | undefined) => (sent ? sent.sentMs + sent.tookMs : Number.NaN);

/** When the last balancer had its first read-only answer, ms after `sinceMs`. */
export function readOnlyMs(sent: readonly Sent[], load: SteadyLoad, sinceMs: number): number {
  return Math.max(
    ...[...new Set(sent.map(({ url }) => url))].map(
      (url) => answeredMs(load.firstInMode('read-only', sinceMs, url)) - sinceMs,
    ),
  );
}
