import { expect, test } from 'vitest';
import { agentStatus } from '../../../agent/shell/status.js';
import { createLog } from '../../../common/runtime/log.js';
import { escapedLine, isPlain, plainLines, plainText, plainTexts } from '../../../common/text/plain-text.js';

test.each([
  ['all well, ätsch', 'all well, ätsch'],
  ['a\r\n  b\tc\u2028d', 'a b c d'],
  ['\u001b[2J\u009b31m\u0007', '\ufffd[2J\ufffd31m\ufffd'],
  ['evil\u202etxt.exe', 'evil\ufffdtxt.exe'],
])('%j is shown as %j', (text, shown) => {
  expect(plainText(text)).toBe(shown);
  expect(isPlain(shown)).toBe(true);
});

test('lines stay lines', () => {
  expect(plainLines('a\tb\r\nc\u001b[2J\n')).toBe('a\tb\ufffd\nc\ufffd[2J\n');
});

test('what is logged acts on no terminal, and can be read back', () => {
  const lines: string[] = [];
  const log = createLog('agent', 'info', { write: (line) => void lines.push(line) });
  log.info('it said \u009b2J\u001b[2J\u2028');
  expect(isPlain(lines[0]!.trimEnd())).toBe(true);
  expect(JSON.parse(lines[0]!)).toMatchObject({ msg: 'it said \u009b2J\u001b[2J\u2028' });
});

test("an agent's status is plain, whoever said what is in it", () => {
  const trouble = { kind: 'not-accepting', text: 'no\u001b[2J\npg9: fine' } as const;
  const status = agentStatus({
    box: 'pg1',
    version: '1',
    startedMs: 0,
    services: [
      {
        name: 'pg',
        kind: 'postgres',
        address: '10.0.0.1',
        port: 5432,
        health: { kind: 'critical', trouble, role: undefined, sinceMs: 0 },
      },
    ],
    link: { kind: 'reachable', sinceMs: 0 },
    complaint: undefined,
  });
  expect(status.services[0]?.detail).toBe('not accepting connections: no\ufffd[2J pg9: fine');
});

test('values of JSON at any depth', () => {
  expect(plainTexts({ a: ['x\n', { 'k\u001b': 'y' }], n: 1, u: null })).toEqual({
    a: ['x ', { 'k\ufffd': 'y' }],
    n: 1,
    u: null,
  });
});

test('a line of JSON keeps its meaning and its end', () => {
  const line = `${JSON.stringify({ text: '\u009b2J\u001b\u2029' })}\n`;
  const safe = escapedLine(line);
  expect(isPlain(safe.trimEnd())).toBe(true);
  expect(safe.endsWith('\n')).toBe(true);
  expect(JSON.parse(safe)).toEqual(JSON.parse(line));
});
