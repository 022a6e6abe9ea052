import { describe, expect, test } from 'vitest';
import { isFatal, troubleOf } from '../../../../sidecar/postgres/proof/trouble.js';

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
