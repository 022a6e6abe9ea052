import { describe, expect, it } from 'vitest';
import { drainPhase } from '../../../todomvc/core/drain.js';
import { originOf } from '../../../todomvc/core/origin.js';
import { problems, retryAfterSeconds, type ProblemName } from '../../../todomvc/core/problem.js';
import { allowedMethods, routeOf } from '../../../todomvc/core/route.js';

describe('drainPhase', () => {
  const settings = { minMs: 1_000, quietMs: 300, maxMs: 5_000 };
  const at = (nowMs: number, lastRequestMs: number) =>
    drainPhase({ nowMs: 100 + nowMs, startedMs: 100, lastRequestMs: 100 + lastRequestMs }, settings);

  it.each([
    ['just begun', 0, -50_000, { phase: 'serving', againInMs: 1_000 }],
    ['quiet, but not yet for the minimum', 900, -50_000, { phase: 'serving', againInMs: 100 }],
    ['quiet since before the drain', 1_000, -50_000, { phase: 'closing', reason: 'quiet' }],
    ['a request a moment ago', 1_000, 900, { phase: 'quieting', againInMs: 200 }],
    ['quiet long enough', 1_200, 900, { phase: 'closing', reason: 'quiet' }],
    ['requests never stop: shortly before the end', 4_900, 4_899, { phase: 'quieting', againInMs: 100 }],
    ['requests never stop: the end', 5_000, 4_999, { phase: 'closing', reason: 'too long' }],
  ])('%s', (_name, nowMs, lastRequestMs, phase) => {
    expect(at(nowMs, lastRequestMs)).toEqual(phase);
  });
});

describe('originOf', () => {
  const none = {
    host: undefined,
    forwardedProto: undefined,
    local: '10.0.0.1:3000',
  };

  it.each([
    ['nothing known', {}, 'http://10.0.0.1:3000'],
    ['a Host', { host: 'todo.example:8080' }, 'http://todo.example:8080'],
    ['an IPv6 Host', { host: '[::1]:3000' }, 'http://[::1]:3000'],
    ['a balancer with TLS', { host: 'todo.example', forwardedProto: 'https' }, 'https://todo.example'],
    ['two balancers', { host: 'todo.example', forwardedProto: 'https, http' }, 'https://todo.example'],
    ['a scheme nobody serves', { host: 'a', forwardedProto: 'javascript' }, 'http://a'],
    ['a Host that is none', { host: 'a"><script>' }, 'http://10.0.0.1:3000'],
  ])('%s', (_name, clues, origin) => {
    expect(originOf({ ...none, ...clues })).toBe(origin);
  });
});

describe('routeOf', () => {
  const id = '0b0e7f3a-0000-4000-8000-00000000000f';
  it.each([
    ['/', { to: 'file', path: '/' }],
    ['/todos', { to: 'todos' }],
    ['/todos/', { to: 'todos' }],
    [`/todos/${id}`, { to: 'todo', id }],
    [`/todos/${id.toUpperCase()}`, { to: 'todo', id }],
    [`/todos/${id}/more`, { to: 'unknown-todo' }],
    ['/todos/1', { to: 'unknown-todo' }],
    ['/events', { to: 'events' }],
    ['/healthz', { to: 'health' }],
    ['/../etc/passwd', { to: 'file', path: '/../etc/passwd' }],
  ])('%s', (path, route) => {
    expect(routeOf(path)).toEqual(route);
  });

  it('every place allows GET', () => {
    for (const methods of Object.values(allowedMethods)) expect(methods).toContain('GET');
  });
});

describe('problems', () => {
  it('tell when to come back exactly when coming back helps', () => {
    for (const name of Object.keys(problems) as ProblemName[])
      expect([name, retryAfterSeconds(name) !== undefined]).toEqual([name, problems[name].status === 503]);
  });
});
