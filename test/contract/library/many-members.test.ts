import { afterAll, beforeAll, expect, test } from 'vitest';
import { Pool } from '../../../sidecar/index.js';
import { FakeDns, reply } from '../../fakes/dns-server.js';
import { eventuallyMs, patient } from '../../support/patience.js';
import { startPostgres, type RealPostgres } from '../../support/postgres.js';
import { waitFor } from '../../support/wait.js';

/** A catalogue that lists hundreds, of whom one is there. */
let server: RealPostgres;
let dns: FakeDns;
beforeAll(async () => {
  [server, dns] = await Promise.all([startPostgres(), FakeDns.start()]);
});
afterAll(() => Promise.all([server?.destroy(), dns?.stop()]));

test('500 listed, 499 refuse: the good one is found, and little work is done for the others; new ones in each answer', async () => {
  let answers = 0;
  let good = true;
  dns.behaviour = (query, send) => {
    const name = query.questions[0]!.name;
    if (!name.startsWith('primary')) return send(reply(query, { rcode: 3 }));
    answers += 1;
    const generation = good ? 0 : answers;
    const others = Array.from(
      { length: 499 },
      (_, i) =>
        [
          `x${i}.node.consul`,
          1 + (i % 20),
          `127.${1 + (generation % 200)}.${1 + Math.floor(i / 20)}.9`,
        ] as const,
    );
    const srv = [...others, ...(good ? ([['good.node.consul', server.port, server.host]] as const) : [])];
    send(reply(query, { srv }));
  };
  const warnings: string[] = [];
  const hear = (warning: Error & { code?: string }) => warnings.push(`${warning.code}`);
  process.on('warning', hear);
  const pool = new Pool({
    user: 'app',
    password: 'app',
    database: 'app',
    hotspare: {
      dns: { host: '127.0.0.1', port: dns.port },
      http: false,
      cacheFile: false,
      refreshMs: 100,
      dnsTimeoutMs: 10_000,
      ...patient,
    },
  });
  try {
    await pool.query('SELECT 1');
    expect(pool.topology.members.length).toBeLessThanOrEqual(64);
    const before = process.cpuUsage();
    good = false;
    const seen = answers;
    await waitFor('answers with other addresses', eventuallyMs, () => answers > seen + 8);
    for (let i = 0; i < 50; i++) await pool.query('SELECT 1');
    const { user, system } = process.cpuUsage(before);
    console.info(
      `8 answers of 499 new addresses, our DNS server included: ${Math.round((user + system) / 1_000)} ms of processor time`,
    );
    expect([pool.mode, pool.topology.members.length]).toEqual(['read-write', 64]);
    expect(pool.modeReason.length).toBeLessThan(300);
    expect(warnings.filter((code) => code === 'HOTSPARE_MEMBERS')).toHaveLength(1);
  } finally {
    process.off('warning', hear);
    const startedMs = performance.now();
    await pool.end();
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  }
});
