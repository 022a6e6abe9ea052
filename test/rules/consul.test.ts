import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** Consul's HTTP API is asked by `common/consul`, and written to by that or by the package of the agent's adapter. No other file does it by hand. */

const rooms = [
  'agent',
  'keeper',
  'sidecar',
  'common',
  'cli',
  'status',
  'todomvc',
  'lab',
  'setup',
  'provision',
  'vagrant',
];
const byHand = /\/v1\/(acl|agent|catalog|health|kv|session|status|txn)\b/;

/** A file without what is said in comments. */
const codeOf = (file: string) => readFileSync(file, 'utf8').replace(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '');

const files = rooms.flatMap((room) =>
  readdirSync(room, { recursive: true, encoding: 'utf8' })
    .map((file) => join(room, file))
    .filter((file) => file.endsWith('.ts')),
);

/** The agents have a path `/v1/status` of their own. */
const isConsul = (line: string) => byHand.test(line.replace(/\/v1\/status(?![/\w])/g, ''));

test('what the rule looks for is found', () => {
  expect(isConsul('fetch(`${url}/v1/health/service/pg`)')).toBe(true);
  expect(isConsul('fetch(`${url}/v1/status/leader`)')).toBe(true);
  expect(isConsul('fetch(`${url}/v1/status`)')).toBe(false);
  expect(files.length).toBeGreaterThan(100);
});

test('no URL of Consul is put together by hand', () => {
  expect(files.filter((file) => codeOf(file).split('\n').some(isConsul))).toEqual([]);
});
