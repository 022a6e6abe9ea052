import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PoolClient } from 'pg';
import type { Role } from '../../../common/names.js';
import { Pool, type Mode } from '../../../sidecar/index.js';
import { startConsul, type RealConsul } from '../../support/consul.js';
import { eventuallyMs, patient } from '../../support/patience.js';
import {
  failoverMs,
  patroniMissing,
  patroniVersion,
  startPatroni,
  type PatroniCluster,
  type PatroniNode,
} from '../../support/programs/patroni.js';
import { waitFor } from '../../support/wait.js';

/**
 * One story in order beside somebody else's failover manager: it registers the members and promotes, the library finds
 * and follows. The scope is one that is no DNS name: Patroni registers it as `shop-db`.
 */
const missing = patroniMissing();
if (missing) console.warn(`SKIPPED, nothing here was tested: the library beside Patroni. ${missing}`);

const scope = 'Shop_DB';

describe.skipIf(missing)('beside Patroni', () => {
  let consul: RealConsul;
  let cluster: PatroniCluster;
  let pool: Pool;
  const modes: Mode[] = [];

  beforeAll(async () => {
    console.log(patroniVersion());
    consul = await startConsul();
    cluster = await startPatroni(consul, scope, { service_check_interval: '1s' });
    pool = new Pool({
      connectionString: 'postgres://app:app@shop-db.service.consul/app',
      hotspare: {
        dns: { host: consul.host, port: consul.dnsPort },
        http: { url: consul.httpUrl },
        cacheFile: false,
        ...patient,
      },
    });
    pool.on('mode', (mode) => modes.push(mode));
    // Like pg's: an idle connection ended.
    pool.on('error', () => {});
  }, 2 * failoverMs);
  afterAll(async () => {
    await pool?.end();
    await cluster?.destroy();
    await consul?.destroy();
  });

  const by = (role: Role): PatroniNode => {
    const port = role === 'primary' ? pool.topology.primary?.port : pool.topology.replicas[0]?.port;
    const node = cluster.nodes.find((one) => one.port === port);
    if (!node) throw new Error(`no ${role} is proven`);
    return node;
  };
  const whole = () =>
    waitFor(
      'a proven primary and a proven replica',
      failoverMs,
      () => pool.topology.primary !== null && pool.topology.replicas.length === 1,
    );
  const portOf = async (on: Pick<Pool, 'query'> | PoolClient) =>
    (await on.query('SELECT inet_server_port() AS port')).rows[0].port as number;
  const write = (text: string) => pool.query('INSERT INTO notes VALUES ($1)', [text]);
  const replicated = (text: string) =>
    waitFor('the row on the replica', eventuallyMs, async () => {
      const { rows } = await pool.read.query('SELECT 1 FROM notes WHERE text = $1', [text]);
      return rows.length === 1;
    });

  test('primary and replica are found through DNS under the name Patroni registers', async () => {
    await pool.waitForMode('read-write', eventuallyMs);
    await whole();
    expect(by('primary')).toBe(cluster.nodes[0]);
    await pool.query('CREATE TABLE notes (text text)');
    await write('first');
    expect(await portOf(pool)).toBe(cluster.nodes[0].port);
    expect(await portOf(pool.read)).toBe(cluster.nodes[1].port);
    await replicated('first');
  });

  test(
    'kill -9 of the primary and its Patroni: read-only, then read-write on whom Patroni promotes',
    async () => {
      await replicated('first');
      const [old, spare] = [by('primary'), by('replica')];
      const kept = await pool.connectTo('replica');
      modes.length = 0;
      old.kill();
      await pool.waitForMode('read-only', eventuallyMs);
      expect((await pool.query('SELECT text FROM notes')).rows).toEqual([{ text: 'first' }]);
      await expect(write('refused')).rejects.toMatchObject({ code: '25006' });
      await pool.waitForMode('read-write', failoverMs);
      await write('second');
      expect(await portOf(pool)).toBe(spare.port);
      expect(modes).toEqual(['read-only', 'read-write']);
      // A session opened on the standby is one on the primary now, and still the same.
      await kept.query("INSERT INTO notes VALUES ('by a session that was there before')");
      expect(await portOf(kept)).toBe(spare.port);
      kept.release();
    },
    2 * failoverMs,
  );

  test(
    'the old primary comes back as a replica and serves reads',
    async () => {
      modes.length = 0;
      cluster.nodes[0].start();
      // It may show up for a moment before it is rewound, which stops it once more.
      await waitFor('reads on the old primary, of what the new one wrote', failoverMs, async () => {
        const { rows } = await pool.read.query(
          "SELECT inet_server_port() AS port FROM notes WHERE text = 'second'",
        );
        return rows[0]?.port === cluster.nodes[0].port;
      });
      expect(modes).toEqual([]);
    },
    2 * failoverMs,
  );

  test(
    'a switchover: writes follow, the session on the standby survives, nothing acknowledged is lost',
    async () => {
      await whole();
      const [leader, candidate] = [by('primary'), by('replica')];
      await waitFor('Patroni to see a healthy candidate', failoverMs, () => candidate.serves('replica'));
      const kept = await pool.connectTo('replica');
      const acknowledged: string[] = [];
      let over = false;
      const writing = (async () => {
        for (let i = 0; !over; i++) {
          const text = `during ${i}`;
          await write(text).then(
            () => acknowledged.push(text),
            // Nobody to write to for a moment: that is what a switchover is.
            () => {},
          );
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
      })();
      await waitFor('writes before it', eventuallyMs, () => acknowledged.length > 0);
      cluster.ctl('switchover', scope, '--leader', leader.name, '--candidate', candidate.name, '--force');
      await waitFor('the candidate as proven primary', failoverMs, () => by('primary') === candidate);
      const before = acknowledged.length;
      await waitFor('writes after it', eventuallyMs, () => acknowledged.length > before);
      over = true;
      await writing;
      expect(await portOf(pool)).toBe(candidate.port);
      await kept.query("INSERT INTO notes VALUES ('kept')");
      kept.release();
      const { rows } = await pool.query("SELECT text FROM notes WHERE text LIKE 'during %'");
      const stored = new Set(rows.map(({ text }: { text: string }) => text));
      expect(acknowledged.filter((text) => !stored.has(text))).toEqual([]);
      await whole();
      expect(by('replica')).toBe(leader);
    },
    2 * failoverMs,
  );
});
