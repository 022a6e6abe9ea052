import { setFlagsFromString } from 'node:v8';
import type pg from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { Pool } from '../../../../sidecar/index.js';

setFlagsFromString('--allow-natives-syntax');
const isFast = new Function('object', 'return %HasFastProperties(object)') as (object: object) => boolean;
setFlagsFromString('--no-allow-natives-syntax');

const pools: pg.Pool[] = [];
afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.end())));

/** As pg-pool makes them, with what pg and pg-pool add to each while they use it. */
function sessionOf(pool: pg.Pool): object {
  const { Client, options } = pool as unknown as {
    Client: new (options: pg.PoolConfig) => pg.Client;
    options: pg.PoolConfig;
  };
  const session = new Client(options) as pg.Client & Record<string, unknown>;
  session['release'] = () => {};
  session['hasExecuted'] = true;
  session['_poolUseCount'] = 1;
  return session;
}

describe("V8 keeps a session's fields in their fast form: as a dictionary they cost every statement a microsecond", () => {
  const discovered = () => {
    const pool = new Pool({ hotspare: { hosts: ['127.0.0.1:1'], cacheFile: false } });
    pools.push(pool);
    return pool;
  };
  const plain = () => {
    const pool = new Pool({ host: '127.0.0.1', port: 1 });
    pools.push(pool);
    return pool;
  };
  const rows: [string, () => pg.Pool][] = [
    ['of a pool with discovery', discovered],
    ['of its read', () => discovered().read],
    ['of a plain pool', plain],
    ["of a plain pool's read", () => plain().read],
  ];
  it.each(rows)('%s', (_, pool) => {
    expect(isFast(sessionOf(pool()))).toBe(true);
  });
  it('knows a dictionary when it sees one', () => {
    const object: Record<string, number> = { a: 1, b: 2 };
    delete object['a'];
    expect(isFast(object)).toBe(false);
  });
});
