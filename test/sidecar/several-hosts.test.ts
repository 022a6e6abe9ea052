import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../common/errors.js';
import { Client, Pool } from '../../sidecar/index.js';
import { withStaticHosts } from '../../sidecar/several-hosts.js';

const url = (connectionString: string) => withStaticHosts({ connectionString });

describe('a URL with several hosts', () => {
  test.each([
    ['postgres://a:5432,b:5433/db', 'postgres://localhost/db', ['a:5432', 'b:5433']],
    [
      'postgresql://u:p%40@a,b:1/db?sslmode=require',
      'postgresql://u:p%40@localhost/db?sslmode=require',
      ['a', 'b:1'],
    ],
    [
      'postgres://u@[::1]:1,[::2]/db?target_session_attrs=read-write',
      'postgres://u@localhost/db',
      ['[::1]:1', '[::2]'],
    ],
    [
      'postgres://u:a,b@c,d/db?x=1&target_session_attrs=primary&y=2',
      'postgres://u:a,b@localhost/db?x=1&y=2',
      ['c', 'd'],
    ],
    ['postgres://a,b,c', 'postgres://localhost', ['a', 'b', 'c']],
  ])('%s', (given, connectionString, hosts) => {
    expect(url(given)).toEqual({ connectionString, hotspare: { hosts } });
  });

  test.each([
    'postgres://a:5432/db?target_session_attrs=any',
    'postgres://u:a,b@c/db',
    'postgres://u@c/d,e?options=-c%20x=1,2',
    'socket:/tmp,b',
    '/tmp db',
    'a,b',
  ])('%s is none, and stays as it is', (connectionString) => {
    const config = { connectionString };
    expect(withStaticHosts(config)).toBe(config);
  });

  test('other options stay, hidden ones too', () => {
    const config = { connectionString: 'postgres://a,b/db', max: 3, hotspare: { refreshMs: 5 } };
    Object.defineProperty(config, 'password', { value: 'secret', enumerable: false });
    const made = withStaticHosts(config);
    expect(made).toEqual({
      connectionString: 'postgres://localhost/db',
      max: 3,
      hotspare: { refreshMs: 5, hosts: ['a', 'b'] },
    });
    expect((made as { password?: string }).password).toBe('secret');
    expect(Object.keys(made)).not.toContain('password');
  });

  test.each(['any', 'standby', 'prefer-standby', 'read-only'])(
    'target_session_attrs=%s: pool.read',
    (value) => {
      const refused = () => url(`postgres://u:SECRET@a,b/db?target_session_attrs=${value}`);
      expect(refused).toThrow(ConfigError);
      expect(refused).toThrow(`target_session_attrs is "${value}": use \`pool.read\``);
      expect(refused).not.toThrow(/SECRET/);
    },
  );

  test.each([
    [
      'postgres://u:SECRET@a,b/db?target_session_attrs=master',
      /target_session_attrs is "master": expected read-write/,
    ],
    [
      'postgres://u:SECRET@a,b/db?host=c',
      /connection URL: host is "c": the hosts, each with its port, are named/,
    ],
    ['postgres://u:SECRET@a,b/db?x=1&port=5433', /connection URL: port is "5433": the hosts/],
    ['postgres://u:SECRET@a,,b/db', /hosts\[1\] is ""/],
    ['postgres://u:SECRET@a,b:x/db', /hosts\[1\] is "b:x"/],
  ])('%s is refused by name, without the password', (connectionString, message) => {
    for (const Class of [Pool, Client]) {
      const refused = () => new Class({ connectionString });
      expect(refused).toThrow(message);
      expect(refused).not.toThrow(/SECRET/);
    }
  });

  test('members named twice', () => {
    const twice = () =>
      withStaticHosts({ connectionString: 'postgres://a,b/db', hotspare: { hosts: ['c'] } });
    expect(twice).toThrow(/named in the `hotspare` option as well/);
  });
});
