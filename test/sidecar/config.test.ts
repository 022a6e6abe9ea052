import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../common/errors.js';
import { consulName, defaultTimings, parseDiscovery, parseLimits } from '../../sidecar/config.js';
import { routeOf } from '../../sidecar/route-of.js';

const parse = (options: unknown, host = 'pg.service.consul', environment = {}) =>
  parseDiscovery(options, host, { XDG_CACHE_HOME: '/c', ...environment });

describe('what switches discovery on', () => {
  test.each([
    ['pg.service.consul', 'pg'],
    ['other-db.service.consul', 'other-db'],
    ['pg.service.dc2.consul', 'pg'],
    ['PG.Service.Consul.', 'PG'],
    ['primary.pg.service.consul', 'pg'],
    ['Primary.pg.service.dc2.consul', 'pg'],
    ['_pg._primary.service.consul', 'pg'],
    ['master.shop-db.service.consul', 'shop-db'],
    ['_shop-db._master.service.consul', 'shop-db'],
    ['_pg._tcp.service.consul', 'pg'],
    ['service.service.consul', 'service'],
  ])('%s', (host, service) => {
    expect(consulName(host)?.service).toBe(service);
  });
  test.each([
    'localhost',
    'db.example.com',
    'pg.service.example.com',
    'pg.service.notconsul',
    '10.0.0.1',
    '/tmp',
    '',
    'replica.pg.service.example.com',
    'pg1.node.consul',
    '.service.consul',
  ])('not %j', (host) => {
    expect(parse(undefined, host)).toBeNull();
  });
  test.each([
    ['replica.pg.service.consul', /host is "replica\.pg\..*; expected pg\.service\.consul, and pool\.read/],
    ['_pg._replica.service.dc2.consul', /expected pg\.service\.dc2\.consul, and pool\.read/],
    ['old.pg.service.consul', /expected pg\.service\.consul, and no other tag than primary/],
    ['a.primary.pg.service.consul', /expected pg\.service\.consul, and no other tag/],
  ])('a tag it cannot be limited to is refused, not ignored: %s', (host, message) => {
    for (const options of [undefined, {}, { service: 'pg' }]) {
      expect(() => parse(options, host)).toThrow(ConfigError);
      expect(() => parse(options, host)).toThrow(message);
    }
    const shared = { subscribe: () => () => {}, refresh: () => {}, settings: parse({})! };
    expect(() => routeOf({ host, hotspare: shared })).toThrow(message);
    expect(() => routeOf({ connectionString: `postgres://u@${host}/d` })).toThrow(message);
  });
  test('a hotspare key, whatever the host', () => {
    expect(parse({}, 'localhost')).toMatchObject({ service: 'pg', domain: 'consul' });
    expect(parse({ service: 'db' }, '')).toMatchObject({ service: 'db' });
    expect(parse({ domain: 'lab' }, 'x.service.lab')).toMatchObject({ service: 'x', domain: 'lab' });
  });
});

describe('defaults and environment', () => {
  test('nothing given', () => {
    expect(parse(undefined)).toEqual({
      service: 'pg',
      domain: 'consul',
      dns: { host: '127.0.0.1', port: 8600 },
      http: { url: 'http://127.0.0.1:8500', token: null, tokenFile: null },
      hosts: null,
      cacheFile: '/c/hotspare/pg.json',
      timings: defaultTimings,
    });
  });
  test.each([
    ['10.0.0.5:8500', 'http://10.0.0.5:8500', '10.0.0.5'],
    ['https://consul.example:8501', 'https://consul.example:8501', 'consul.example'],
    ['http://[fd00::1]:8500', 'http://[fd00::1]:8500', 'fd00::1'],
  ])('CONSUL_HTTP_ADDR %s', (address, url, host) => {
    expect(parse(undefined, undefined, { CONSUL_HTTP_ADDR: address })).toMatchObject({
      http: { url },
      dns: { host, port: 8600 },
    });
  });
  test('a Unix socket: no wake-ups, DNS on this machine', () => {
    const settings = parse(undefined, undefined, { CONSUL_HTTP_ADDR: 'unix:///run/consul.sock' });
    expect(settings).toMatchObject({ http: null, dns: { host: '127.0.0.1' } });
  });
  test('tokens stay secret', () => {
    const settings = parse(undefined, undefined, { CONSUL_HTTP_TOKEN: 'abc', CONSUL_HTTP_TOKEN_FILE: '/t' })!;
    expect(settings.http?.token?.reveal()).toBe('abc');
    expect(settings.http?.tokenFile).toBe('/t');
    expect(JSON.stringify(settings)).not.toContain('abc');
  });
  test('HOTSPARE_DNS, systemd cache folder, static hosts', () => {
    expect(parse(undefined, undefined, { HOTSPARE_DNS: '10.0.0.9:53' })!.dns).toEqual({
      host: '10.0.0.9',
      port: 53,
    });
    expect(parse(undefined, undefined, { CACHE_DIRECTORY: '/var/cache/a:/b' })!.cacheFile).toBe(
      '/var/cache/a/pg.json',
    );
    expect(parse({ hosts: ['a', 'b:1', '[::1]:2', { host: 'c', port: 3 }] })).toMatchObject({
      cacheFile: null,
      hosts: [
        { host: 'a', port: 5432 },
        { host: 'b', port: 1 },
        { host: '::1', port: 2 },
        { host: 'c', port: 3 },
      ],
    });
  });
});

describe('refused, naming key, value and expectation', () => {
  test.each<[unknown, RegExp]>([
    ['yes', /hotspare is "yes"; expected an object or a Resolver/],
    [[], /hotspare is \[\]; expected an object/],
    [{ sevice: 'pg' }, /hotspare\.sevice is "pg"; expected no such key; known are service/],
    [{ service: 'a b' }, /hotspare\.service is "a b"; expected the name of a Consul service/],
    [{ domain: '' }, /hotspare\.domain is ""; expected a DNS domain/],
    [{ dns: 'nowhere:99999' }, /hotspare\.dns is "nowhere:99999"; expected "host:port"/],
    [{ dns: { host: 'x' } }, /hotspare\.dns is/],
    [
      { token: 'abc' },
      /^hotspare options: hotspare\.token is "\(hidden\)"; expected no such key; known are service/,
    ],
    [
      { http: { url: 'http://x', address: 'abc' } },
      /hotspare\.http\.address is "abc"; expected no such key; known are url/,
    ],
    [{ http: { url: 'http://x', tokn: 'abc' } }, /hotspare\.http\.tokn is "\(hidden\)"/],
    [{ http: 'http://x' }, /hotspare\.http is "http:\/\/x"; expected false, or an object/],
    [{ http: { url: 'ftp://x' } }, /hotspare\.http is "ftp:\/\/x"; expected false, or an object/],
    [{ hosts: [] }, /hotspare\.hosts is \[\]; expected a list with at least one/],
    [{ hosts: ['a', 5] }, /hotspare\.hosts\[1\] is 5/],
    [{ cacheFile: 5 }, /hotspare\.cacheFile is 5; expected a path or false/],
    [
      { heartbeatIntervalMs: '200' },
      /hotspare\.heartbeatIntervalMs is "200"; expected a number of milliseconds/,
    ],
    [{ refreshMs: 0 }, /hotspare\.refreshMs is 0/],
  ])('%j', (options, message) => {
    expect(() => parse(options)).toThrow(ConfigError);
    expect(() => parse(options)).toThrow(message);
  });
  test('environment and limits too', () => {
    expect(() => parse(undefined, undefined, { CONSUL_HTTP_ADDR: 'ftp://x' })).toThrow(/CONSUL_HTTP_ADDR/);
    expect(() => parse(undefined, undefined, { HOTSPARE_DNS: 'a:b:c' })).toThrow(/HOTSPARE_DNS is "a:b:c"/);
    expect(() => parseLimits({ writeWaitMs: -1 })).toThrow(/writeWaitMs is -1; expected/);
    expect(() => parseLimits({ maxReplicaLagBytes: NaN })).toThrow(/maxReplicaLagBytes/);
    expect(parseLimits({})).toEqual({
      writeWaitMs: 0,
      maxReplicaLagBytes: Infinity,
      warmSpare: true,
      readYourWrites: false,
      readWaitMs: 100,
    });
    expect(parseLimits({ readYourWrites: true })).toMatchObject({ readYourWrites: true, readWaitMs: 100 });
    expect(parseLimits({ readYourWrites: { waitMs: 7 } })).toMatchObject({
      readYourWrites: true,
      readWaitMs: 7,
    });
    for (const [given, message] of [
      ['yes', /readYourWrites is "yes"; expected true, false or \{ waitMs \}/],
      [null, /readYourWrites is null/],
      [{ waitms: 1 }, /readYourWrites\.waitms is 1/],
      [{ waitMs: 0 }, /readYourWrites\.waitMs is 0; expected a number of milliseconds from 1 to 60000/],
      [{ waitMs: Infinity }, /readYourWrites\.waitMs/],
    ] as const)
      expect(() => parseLimits({ readYourWrites: given as never })).toThrow(message);
    expect(() => parseLimits({ warmSpare: 'no' as never })).toThrow(
      /warmSpare is "no"; expected true or false/,
    );
  });
});
