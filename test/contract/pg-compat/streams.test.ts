import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import Cursor from 'pg-cursor';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import QueryStream from 'pg-query-stream';
import type pg from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import type { PoolConfig } from '../../../sidecar/index.js';
import { bench, flavours } from './setup.js';

const at = bench();

interface Way {
  readonly name: string;
  readonly writes: boolean;
  make(options?: PoolConfig): pg.Pool;
}
const ways: Way[] = [
  ...flavours.map((flavour) => ({
    name: `${flavour.name}: Pool`,
    writes: true,
    make: (options?: PoolConfig) => at.pool(flavour, options),
  })),
  { name: 'hotspare: pool.read', writes: false, make: (options?: PoolConfig) => at.read(options) },
];

beforeAll(async () => {
  await at.pair.primary.query('CREATE TABLE copied (n int, t text)');
  await at.pair.primary.query('GRANT ALL ON copied TO app');
  await at.pair.caughtUp();
});

describe.each(ways)('$name', ({ make, writes }) => {
  test('pg-cursor: page by page, to the end, and closed before it', async () => {
    const pool = make({ max: 1 });
    const client = await pool.connect();
    const cursor = client.query(new Cursor<{ n: number }>('SELECT generate_series(1, $1::int) AS n', [5]));
    expect(await cursor.read(2)).toEqual([{ n: 1 }, { n: 2 }]);
    expect(await cursor.read(10)).toEqual([{ n: 3 }, { n: 4 }, { n: 5 }]);
    expect(await cursor.read(10)).toEqual([]);
    await cursor.close();
    const half = client.query(
      new Cursor<[number]>('SELECT generate_series(1, 1000)', [], { rowMode: 'array' }),
    );
    expect(await half.read(1)).toEqual([[1]]);
    await half.close();
    expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    client.release();
    expect(pool.idleCount).toBe(1);
  });

  test('pg-cursor: an error of the server', async () => {
    const pool = make();
    const client = await pool.connect();
    const cursor = client.query(new Cursor('SELECT 1 / (3 - generate_series(1, 5)) AS n'));
    expect(await cursor.read(2)).toHaveLength(2);
    await expect(cursor.read(2)).rejects.toMatchObject({ code: '22012' });
    await cursor.close();
    expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    client.release();
  });

  test('pg-query-stream: on a client, for await, left early', async () => {
    const pool = make({ max: 1 });
    const client = await pool.connect();
    let sum = 0;
    for await (const row of client.query(new QueryStream('SELECT generate_series(1, 1000) AS n')))
      sum += (row as { n: number }).n;
    expect(sum).toBe(500_500);
    for await (const row of client.query(new QueryStream('SELECT generate_series(1, 1000) AS n'))) {
      expect(row).toEqual({ n: 1 });
      break;
    }
    expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    client.release();
  });

  test('pg-query-stream: through pool.query, which releases the session at its end', async () => {
    const pool = make({ max: 1 });
    const stream = new QueryStream('SELECT generate_series(1, 250) AS n');
    void (pool.query as (query: unknown) => Promise<unknown>)(stream);
    const rows: unknown[] = [];
    for await (const row of stream) rows.push(row);
    expect(rows).toHaveLength(250);
    expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
  });

  test('pg-query-stream: an error of the server ends the stream', async () => {
    const pool = make();
    const client = await pool.connect();
    const read = async () => {
      for await (const row of client.query(new QueryStream('SELECT 1 / (3 - generate_series(1, 5))')))
        void row;
    };
    await expect(read()).rejects.toMatchObject({ code: '22012' });
    client.release(true);
  });

  test('COPY TO', async () => {
    const pool = make();
    const client = await pool.connect();
    const stream = client.query(
      copyTo("COPY (SELECT n, 'row ' || n FROM generate_series(1, 3) n) TO STDOUT"),
    );
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toBe('1\trow 1\n2\trow 2\n3\trow 3\n');
    expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    client.release();
  });

  test.runIf(writes)('COPY FROM, and one that breaks off', async () => {
    const pool = make();
    await pool.query('TRUNCATE copied');
    const client = await pool.connect();
    const stream = client.query(copyFrom('COPY copied FROM STDIN'));
    await pipeline(Readable.from(['1\tone\n', '2\ttwo\n']), stream);
    expect(stream.rowCount).toBe(2);
    const broken = client.query(copyFrom('COPY copied FROM STDIN'));
    await expect(pipeline(Readable.from(['not a number\tx\n']), broken)).rejects.toMatchObject({
      code: '22P02',
    });
    expect((await client.query('SELECT count(*)::int AS n FROM copied')).rows).toEqual([{ n: 2 }]);
    client.release();
  });

  test.runIf(!writes)('COPY FROM: refused, it only reads', async () => {
    const client = await make().connect();
    const stream = client.query(copyFrom('COPY copied FROM STDIN'));
    await expect(pipeline(Readable.from(['1\tone\n']), stream)).rejects.toMatchObject({
      name: 'ReadOnlyError',
      code: '25006',
    });
    client.release();
  });
});
