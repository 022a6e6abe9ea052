import { describe, expect, test } from 'vitest';
import { isFatal, troubleOf } from '../../../../sidecar/postgres/proof/trouble.js';
import { refuse } from '../../../../sidecar/postgres/session/loss/refuse.js';
import { withOptions } from '../../../../sidecar/postgres/session/options.js';
import { sslForName } from '../../../../sidecar/postgres/session/ssl.js';

const error = (fields: object, message = 'x') => Object.assign(new Error(message), fields);

describe('what a failed connection says', () => {
  test.each<[Error, object]>([
    [error({ code: 'ECONNREFUSED' }), { kind: 'refused' }],
    [error({ code: 'EHOSTUNREACH' }), { kind: 'unreachable' }],
    [error({ code: 'ENOTFOUND' }), { kind: 'unreachable' }],
    [error({ code: 'ETIMEDOUT' }), { kind: 'timed-out' }],
    [error({}, 'timeout expired'), { kind: 'timed-out' }],
    [error({ code: 'ECONNRESET' }), { kind: 'closed' }],
    // Given up by ourselves.
    [error({ code: 'ECONNABORTED' }), { kind: 'closed' }],
    [error({}, 'Connection terminated unexpectedly'), { kind: 'closed' }],
    [error({}, 'Client has encountered a connection error and is not queryable'), { kind: 'closed' }],
    [error({ code: '57P03', file: 'backend_startup.c' }), { kind: 'not-ready' }],
    [error({ code: '57P01', file: 'postgres.c' }), { kind: 'not-ready' }],
    [error({ code: '57P01', file: 'be-secure.c' }), { kind: 'crashed' }],
    [error({ code: '28P01' }), { kind: 'rejected', code: '28P01' }],
    [
      error({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' }),
      { kind: 'rejected', code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    ],
    [error({}, 'SASL: client password must be a string'), { kind: 'rejected', code: null }],
  ])('%s', (given, expected) => {
    expect(troubleOf(given)).toEqual(expected);
  });

  test('only FATAL and PANIC end a session', () => {
    expect(
      [{ severity: 'FATAL' }, { severity: 'PANIC' }, { severity: 'ERROR' }, null, 'FATAL'].map(isFatal),
    ).toEqual([true, true, false, false, false]);
  });
});

describe('a refused statement is answered in the way it was asked', () => {
  const why = new Error('closed');
  test('promise', async () => {
    await expect(refuse(why, 'SELECT 1', undefined, undefined)).rejects.toBe(why);
  });
  test.each([
    ['callback as second', (done: unknown) => refuse(why, 'SELECT 1', done, undefined)],
    ['callback as third', (done: unknown) => refuse(why, 'SELECT 1', [], done)],
    [
      'callback in the config',
      (done: unknown) => refuse(why, { text: 'SELECT 1', callback: done }, undefined, undefined),
    ],
    ['Submittable', (done: unknown) => refuse(why, { submit() {}, handleError: done }, undefined, undefined)],
  ])('%s', async (_, ask) => {
    expect(await new Promise((resolve) => ask(resolve))).toBe(why);
  });
});

describe('options', () => {
  test('a hidden password is kept, and stays hidden', () => {
    const config = Object.defineProperty({ user: 'u' }, 'password', { value: 'secret', enumerable: false });
    const copy = withOptions(config, { max: 3 }) as { password?: string };
    expect(copy.password).toBe('secret');
    expect(JSON.stringify(copy)).toBe('{"user":"u","max":3}');
  });

  test('a certificate is for the name; what the user said stays; a hidden key is kept', () => {
    expect(sslForName(false, 'h')).toBe(false);
    expect(sslForName(true, 'h')).toEqual({ servername: 'h' });
    expect(sslForName({ servername: 'own' }, 'h')).toEqual({ servername: 'own' });
    const ssl = Object.defineProperty({ ca: 'c' }, 'key', { value: 'k', enumerable: false });
    const named = sslForName(ssl, 'h') as { key: string };
    expect(named.key).toBe('k');
    expect(JSON.stringify(named)).toBe('{"ca":"c","servername":"h"}');
  });
});
