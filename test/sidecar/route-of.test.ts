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

const [host, port] = ['a,b', '5432,5433'];
const listed = 'several members stand in the URL';
test.each<[string, PoolConfig, Record<string, string>]>([
  [`environment: PGHOST is "${host}": ${listed}`, {}, { PGHOST: host, PGPORT: port }],
  [`environment: PGHOST is "${host}": ${listed}`, { connectionString: 'postgres:///db' }, { PGHOST: host }],
  [`environment: PGPORT is "${port}": ${listed}`, { host: 'a' }, { PGPORT: port }],
  [`environment: PGPORT is "${port}": ${listed}`, { host: consul }, { PGPORT: port }],
  [`environment: PGHOST is "${host}": ${listed}`, { hotspare: {} }, { PGHOST: host }],
  [`pool options: host is "${host}": ${listed}`, { host }, {}],
  [`pool options: port is "${port}": ${listed}`, { host: 'a', port: port as never }, {}],
  [`connection URL: host is "${host}": ${listed}`, { connectionString: `postgres:///db?host=${host}` }, {}],
  [
    `connection URL: host is "${host}": ${listed}`,
    { connectionString: `postgres:///db?host=a%2Cb&port=1` },
    {},
  ],
  [`connection URL: port is "${port}": ${listed}`, { connectionString: `postgres://a/db?port=${port}` }, {}],
])('a list that pg would misread is refused: %s', (message, config, environment) => {
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  for (const Class of [Pool, Client]) expect(() => new Class(config)).toThrow(message);
});

test.each<[string, PoolConfig, Record<string, string>]>([
  [
    'a URL goes before it',
    { connectionString: 'postgres://db.example:5432/db' },
    { PGHOST: host, PGPORT: port },
  ],
  ['options go before it', { host: 'db.example', port: 5432 }, { PGHOST: host, PGPORT: port }],
  ['members are given', { hotspare: { hosts: ['10.0.0.1'] } }, { PGHOST: host, PGPORT: port }],
  ['members in the URL', { connectionString: 'postgres://a,b/db' }, { PGHOST: host, PGPORT: port }],
  ['a folder of sockets', { host: '/run/a,b' }, {}],
  ['a folder of sockets in the URL', { connectionString: 'socket:/run/a,b?db=x' }, {}],
])('a list that counts for nothing is taken: %s', async (_, config, environment) => {
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  await new Pool(config).end();
});
