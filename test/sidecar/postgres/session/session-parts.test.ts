import { EventEmitter } from 'node:events';
import { inspect } from 'node:util';
import type pg from 'pg';
import { describe, expect, test } from 'vitest';
import { Client, Pool, Resolver, type PoolConfig } from '../../../../sidecar/index.js';
import { keptAlive } from '../../../../sidecar/postgres/session/options.js';
import { nameOf } from '../../../../sidecar/postgres/session/ssl.js';

describe('the name in a configuration', () => {
  test.each([
    ['pg.service.consul', 'pg.service.consul'],
    ['db', 'db'],
    ['localhost', null],
    ['', null],
    ['10.0.0.1', null],
    ['::1', null],
    ['/run/postgresql', null],
  ])('of %j is %j', (host, name) => {
    expect(nameOf(host)).toBe(name);
  });
});

describe('keepalive', () => {
  test('is on, unless the app has its own mind; hidden passwords survive', () => {
    const config = { user: 'u' } as pg.ClientConfig;
    Object.defineProperty(config, 'password', { value: 'p', enumerable: false });
    expect(keptAlive(config)).toMatchObject({ keepAlive: true, keepAliveInitialDelayMillis: 10_000 });
    expect(keptAlive(config).password).toBe('p');
    expect(Object.keys(keptAlive(config))).not.toContain('password');
    const own = { keepAlive: false, keepAliveInitialDelayMillis: 1 };
    expect(keptAlive(own)).toEqual(own);
  });
});

test("a password in Consul's URL is not shown either", async () => {
  const http = { url: 'http://user:SECRET@127.0.0.1:1', token: 'TOKEN' };
  const given = { hotspare: { http, cacheFile: false as const } };
  const pool = new Pool(given);
  const again = new Pool(pool.options as PoolConfig);
  const resolver = new Resolver(given.hotspare);
  try {
    for (const one of [pool, pool.read, again, again.read, resolver]) {
      expect(inspect(one, { depth: 12 })).not.toMatch(/SECRET|TOKEN/);
      expect(JSON.stringify(one)).not.toMatch(/SECRET|TOKEN/);
    }
    expect(again.options).toHaveProperty('hotspare.http.url', http.url);
    expect(inspect(resolver, { depth: 12 })).toContain('http://***@127.0.0.1:1');
  } finally {
    resolver.close();
    await Promise.all([pool.end(), again.end()]);
  }
});

test("Consul's token is read and not shown, as the password", async () => {
  const given = { password: 'PASSWORD', hotspare: { http: { url: 'http://127.0.0.1:1', token: 'TOKEN' } } };
  const pool = new Pool(given);
  // The second time as the options of another pool.
  const again = new Pool(pool.options as PoolConfig);
  try {
    for (const one of [pool, pool.read, again, again.read, new Client(given)]) {
      expect(inspect(one, { depth: 12 })).not.toMatch(/TOKEN|PASSWORD/);
      expect(JSON.stringify(one)).not.toMatch(/TOKEN|PASSWORD/);
    }
    expect(again.options).toHaveProperty('hotspare.http.token', 'TOKEN');
    expect(given.hotspare.http).toEqual({ url: 'http://127.0.0.1:1', token: 'TOKEN' });
  } finally {
    await Promise.all([pool.end(), again.end()]);
  }
});

test("a Client that is not pg's own is refused in words", async () => {
  class Foreign extends EventEmitter {}
  const pool = new Pool({
    Client: Foreign,
    hotspare: { hosts: ['127.0.0.1:1'] },
  } as unknown as PoolConfig);
  await expect(pool.query('SELECT 1')).rejects.toMatchObject({
    name: 'ConfigError',
    message: expect.stringContaining("pg's own Client") as string,
  });
  await pool.end();
});
