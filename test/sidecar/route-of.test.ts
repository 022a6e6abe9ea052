import { afterEach, expect, test, vi } from 'vitest';
import { Client, Pool, Resolver, type PoolConfig } from '../../sidecar/index.js';

afterEach(() => vi.unstubAllEnvs());

const resolver = new Resolver({ cacheFile: false });
const consul = 'pg.service.consul';

test.each<[string, PoolConfig, Record<string, string>]>([
  ['as an option', { host: consul, port: 6432 }, {}],
  ['in the URL', { connectionString: `postgres://app@${consul}:6432/app` }, {}],
  ['in the environment', { host: consul }, { PGPORT: '6432' }],
  ['with a Resolver', { host: consul, port: 6432, hotspare: resolver }, {}],
])('a port beside a host of Consul is refused, %s', (_, config, environment) => {
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  const expected = expect.objectContaining({ name: 'ConfigError', key: 'port', value: 6432 }) as unknown;
  expect(() => new Pool(config)).toThrow(expected as Error);
  expect(() => new Client(config)).toThrow(/port is 6432; expected left out or 5432/);
});

test.each<[string, PoolConfig]>([
  ['the standard one, which tools fill in', { host: consul, port: 5432 }],
  ['one that members have themselves', { host: consul, port: 6432, hotspare: { hosts: ['10.0.0.1'] } }],
  ['one of a plain connection', { host: 'db.example', port: 6432 }],
])('a port is taken: %s', async (_, config) => {
  await new Pool(config).end();
});
