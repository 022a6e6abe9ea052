import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../../common/errors.js';
import { consulName } from '../../../sidecar/config/consul-name.js';
import { parseDiscovery } from '../../../sidecar/config/discovery.js';
import { defaultTimings } from '../../../sidecar/config/timings.js';
import { routeOf } from '../../../sidecar/route-of.js';

const parse = (options: unknown, host = 'pg.service.consul', environment = {}) =>
  parseDiscovery(options, host, { XDG_CACHE_HOME: '/c', ...environment });

test('with static members, what the environment says of Consul is not even read', () => {
  const environment = { CONSUL_HTTP_ADDR: 'ftp://x', HOTSPARE_DNS: 'a:b:c' };
  expect(parse({ hosts: ['a'] }, undefined, environment)).toMatchObject({
    hosts: [{ host: 'a', port: 5432 }],
  });
});

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
    [
      'replica.pg.service.consul',
      /host is "replica\.pg\..*: write pg\.service\.consul, and read from pool\.read/,
    ],
    ['_pg._replica.service.dc2.consul', /: write pg\.service\.dc2\.consul, and read from pool\.read/],
    ['old.pg.service.consul', /: the tag "old" is unknown; write pg\.service\.consul: sessions/],
    ['a.primary.pg.service.consul', /: the tag "a\.primary" is unknown; write pg\.service\.consul/],
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
      systemId: null,
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
    [
      { sevice: 'pg' },
      /^hotspare options: hotspare\.sevice: there is no such key; known are service, domain/,
    ],
    [{ service: 'a b' }, /hotspare\.service is "a b"; expected the name of a Consul service/],
    [{ domain: '' }, /hotspare\.domain is ""; expected a DNS domain/],
    [{ dns: 'nowhere:99999' }, /hotspare\.dns is "nowhere:99999"; expected "host:port"/],
    [{ dns: { host: 'x' } }, /hotspare\.dns is/],
    [
      { http: { url: 'http://x', address: 'abc' } },
      /hotspare\.http\.address: there is no such key; known are url/,
    ],
    [{ http: 'http://x' }, /hotspare\.http is "http:\/\/x"; expected false, or an object/],
    [{ http: { url: 'ftp://x' } }, /hotspare\.http is "ftp:\/\/x"; expected false, or an object/],
    [{ hosts: [] }, /hotspare\.hosts is \[\]; expected a list with at least one/],
    [{ hosts: ['a', 5] }, /hotspare\.hosts\[1\] is 5/],
    [{ systemId: 7301 }, /hotspare\.systemId is 7301; expected the digits/],
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
  test.each([
    ['readyourwrites', 'readYourWrites'],
    ['HotSpare', 'hotspare'],
    ['writeWaitMS', 'writeWaitMs'],
  ])('one of ours in another case: %s', (given, meant) => {
    expect(() => routeOf({ host: 'localhost', [given]: 'SECRET' })).toThrow(
      new RegExp(`^hotspare options: ${given}: there is no such key; write ${meant}$`),
    );
    expect(() => routeOf({ host: 'localhost', other: 'yes' })).not.toThrow();
  });
  test('the environment too', () => {
    expect(() => parse(undefined, undefined, { CONSUL_HTTP_ADDR: 'ftp://x' })).toThrow(/CONSUL_HTTP_ADDR/);
    expect(() => parse(undefined, undefined, { HOTSPARE_DNS: 'a:b:c' })).toThrow(/HOTSPARE_DNS is "a:b:c"/);
  });
});

describe('secrets stay out of what is refused, wherever they were put', () => {
  const url = 'postgres://app:SECRET@10.0.0.1:5432/app';
  test.each<[unknown, RegExp, object?]>([
    [{ hosts: [url] }, /hosts\[0\] is "postgres:\/\/\*\*\*@10\.0\.0\.1:5432\/app"; expected/],
    [{ hosts: url }, /hotspare\.hosts is "postgres:\/\/\*\*\*@/],
    [{ hosts: `${url},${url}` }, /hotspare\.hosts is "postgres:\/\/\*\*\*@/],
    [{ hosts: ['app:SECRET@10.0.0.1'] }, /hosts\[0\] is "\*\*\*@10\.0\.0\.1"/],
    [{ hosts: ['host=a password=SECRET'] }, /hosts\[0\] is "host=a password=\*\*\*"/],
    [{ hosts: [{ host: 'a', password: 'SECRET' }] }, /"host":"a","password":"\(hidden\)"/],
    [{ hosts: [{ host: 'a', more: [{ headers: { 'x-consul': 'SECRET' } }] }] }, /"headers":"\(hidden\)"/],
    [{ dns: 'udp://u:SECRET@10.0.0.1' }, /hotspare\.dns is "udp:\/\/\*\*\*@10\.0\.0\.1"/],
    [{ dns: 'postgres://u:SE/CR@ET@10.0.0.1' }, /hotspare\.dns is "postgres:\/\/\*\*\*@10\.0\.0\.1"/],
    [{ http: 'ftp://u:SECRET@10.0.0.1' }, /hotspare\.http is "ftp:\/\/\*\*\*@10\.0\.0\.1"/],
    [
      { http: 'http://10.0.0.1/?token=SECRET&a=b' },
      /hotspare\.http is "http:\/\/10\.0\.0\.1\/\?token=\*\*\*&a=b"/,
    ],
    [{ http: { url: 'consul://u:SECRET@10.0.0.1' } }, /hotspare\.http is "consul:\/\/\*\*\*@/],
    [{ http: { url: new URL('consul://u:SECRET@10.0.0.1') } }, /hotspare\.http is "consul:\/\/\*\*\*@/],
    [{ http: { url: 'http://x', auth: 'u:SECRET' } }, /hotspare\.http\.auth: there is no such key/],
    [{ http: { url: 'http://x', header: { t: 'SECRET' } } }, /hotspare\.http\.header: there is no such key/],
    [{ token: 'SECRET' }, /hotspare\.token: there is no such key; known are service/],
    [{ connectionString: url }, /hotspare\.connectionString: there is no such key/],
    [{ foo: 'SECRET' }, /hotspare\.foo: there is no such key/],
    [url, /hotspare is "postgres:\/\/\*\*\*@10\.0\.0\.1:5432\/app"; expected an object or a Resolver/],
    [undefined, /CONSUL_HTTP_ADDR is "ftp:\/\/\*\*\*@x"/, { CONSUL_HTTP_ADDR: 'ftp://u:SECRET@x' }],
    [undefined, /HOTSPARE_DNS is "\*\*\*@x"/, { HOTSPARE_DNS: 'u:SECRET@x' }],
  ])('%j', (options, message, environment = {}) => {
    const error = refusal(() => parse(options, undefined, environment));
    expect(error.message).toMatch(message);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/SECRET|ET@/);
    expect(JSON.stringify(error)).not.toContain('SECRET');
  });
  test('nor out of a host that is a whole URL', () => {
    const error = refusal(() => parse(undefined, 'postgres://app:SECRET@replica.pg.service.consul'));
    expect(error.message).toContain('the tag "postgres://***@replica" is unknown; write pg.service.consul');
    expect(inspect(error, { depth: 9 })).not.toContain('SECRET');
  });
  test('what JSON cannot tell is told all the same', () => {
    const circle: { self?: unknown } = {};
    circle.self = circle;
    expect(refusal(() => parse({ hosts: [circle] })).message).toContain(
      'is "an object that cannot be shown"',
    );
    expect(refusal(() => parse({ refreshMs: 10n })).message).toContain('hotspare.refreshMs is 10; expected');
    expect(refusal(() => parse({ refreshMs: NaN })).message).toContain('hotspare.refreshMs is NaN; expected');
    expect(refusal(() => parse(() => 'SECRET')).message).toContain('hotspare is "a function"');
  });
});

function refusal(provoke: () => unknown): ConfigError {
  try {
    provoke();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return error as ConfigError;
  }
  return expect.fail('was not refused');
}
