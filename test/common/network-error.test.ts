import { describe, expect, test } from 'vitest';
import { judgeError } from '../../agent/drivers/judge.js';
import { judgePostgresError } from '../../agent/drivers/postgres/judge.js';
import { failureOf as consulFailureOf } from '../../common/consul/failure.js';
import {
  listenTroubleOf,
  listenWords,
  networkErrors,
  networkTroubleOf,
  networkWords,
} from '../../common/network-error.js';
import { troubleOf } from '../../sidecar/postgres/proof/trouble.js';
import { DatabaseUnavailable } from '../../todomvc/database.js';
import { failureOf } from '../../todomvc/postgres/failure.js';

const timing = { tookMs: 1, deadlineMs: 1_000 };
const critical = (trouble: object) => ({ kind: 'critical', trouble });
const refused = critical({ kind: 'refused' });
const closed = critical({ kind: 'closed' });
const late = critical({ kind: 'no-answer', deadlineMs: 1_000 });

/** Each code, what the agent concludes of its service, and the library of a member. */
const rows: Readonly<Record<string, readonly [agent: object, library: string]>> = {
  ECONNREFUSED: [refused, 'refused'],
  EHOSTUNREACH: [critical({ kind: 'unreachable', code: 'EHOSTUNREACH' }), 'unreachable'],
  ENETUNREACH: [critical({ kind: 'unreachable', code: 'ENETUNREACH' }), 'unreachable'],
  EHOSTDOWN: [critical({ kind: 'unreachable', code: 'EHOSTDOWN' }), 'unreachable'],
  ENOTFOUND: [critical({ kind: 'unreachable', code: 'ENOTFOUND' }), 'unreachable'],
  EAI_AGAIN: [critical({ kind: 'unreachable', code: 'EAI_AGAIN' }), 'unreachable'],
  ETIMEDOUT: [late, 'timed-out'],
  ECONNRESET: [closed, 'closed'],
  ECONNABORTED: [closed, 'closed'],
  EPIPE: [closed, 'closed'],
  ERR_STREAM_DESTROYED: [closed, 'closed'],
  ...Object.fromEntries(
    [
      'EMFILE',
      'ENFILE',
      'ENOMEM',
      'ENOBUFS',
      'EADDRNOTAVAIL',
      'EADDRINUSE',
      'EAFNOSUPPORT',
      'ENETDOWN',
      'EACCES',
      'EPERM',
    ].map((code) => [
      code,
      [{ kind: 'unknown', obstacle: { kind: 'agent-side', text: code } }, 'own-side'] as const,
    ]),
  ),
};

const failed = (code: string) => Object.assign(new Error('x'), { code });

test('every code of the table is tried here', () => {
  expect(Object.keys(rows).sort()).toEqual(Object.keys(networkErrors).sort());
});

describe.each(Object.entries(rows))('%s', (code, [agent, library]) => {
  test('for the agent', () => {
    expect(judgeError(failed(code), timing)).toEqual(agent);
    expect(judgePostgresError(failed(code), timing)).toEqual(agent);
  });

  test('for the library', () => {
    expect(troubleOf(failed(code))).toEqual(
      library === 'own-side' ? { kind: library, code } : { kind: library },
    );
  });

  test('for the app, only what was never reached is "down"', () => {
    const failure = failureOf(failed(code));
    const isDown = ['refused', 'unreachable'].includes(library);
    expect(failure instanceof DatabaseUnavailable && failure.kind).toBe(isDown ? 'down' : false);
  });

  test('in words', () => {
    const words = code === 'ECONNREFUSED' ? 'connection refused' : code;
    expect(networkWords(failed(code))).toBe(words);
    expect(consulFailureOf(failed(code))).toMatchObject({
      kind: code === 'ECONNREFUSED' ? 'refused' : 'unreachable',
      message: words,
    });
  });
});

test.each(['42501', 'ENOENT', 'constructor', '', 'ERR_TLS_CERT_ALTNAME_INVALID'])(
  '%j is no error of the network',
  (code) => {
    expect(networkTroubleOf(failed(code))).toBeUndefined();
    expect(networkWords(failed(code))).toBeUndefined();
  },
);

test('what speaks another language is garbage for the agent, and rejected for the library', () => {
  const error = failed('HPE_INVALID_CONSTANT');
  expect(judgeError(error, timing)).toEqual(critical({ kind: 'garbage' }));
  expect(troubleOf(error)).toEqual({ kind: 'rejected', code: 'HPE_INVALID_CONSTANT' });
});

describe('why a program cannot listen', () => {
  const advice = { host: 'change HOST', port: 'change PORT' };
  const at = { host: '10.0.0.1', port: 80 };

  test.each([
    ['EADDRINUSE', 'another program listens at 10.0.0.1:80; stop it or change PORT'],
    ['EADDRNOTAVAIL', 'this machine has no address 10.0.0.1; change HOST'],
    ['ENOTFOUND', 'the name 10.0.0.1 has no address; change HOST'],
    ['EAI_AGAIN', 'the name 10.0.0.1 has no address; change HOST'],
    ['EACCES', 'this user may not listen on port 80; change PORT'],
    ['EPERM', 'this user may not listen on port 80; change PORT'],
    ['EINVAL', 'x'],
  ])('%s', (code, words) => {
    expect(listenWords(failed(code), at, advice)).toBe(words);
  });

  test('at a socket file', () => {
    expect(listenWords(failed('EACCES'), '/run/a.sock', advice)).toContain('folder is missing');
    expect(listenWords(failed('EADDRINUSE'), '/run/a.sock', advice)).toContain('listens at /run/a.sock;');
  });

  test('what is none of these', () => {
    expect(listenTroubleOf(failed('constructor'))).toBeUndefined();
    expect(listenTroubleOf(new Error('x'))).toBeUndefined();
  });
});
