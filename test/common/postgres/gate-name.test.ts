import { expect, test } from 'vitest';
import { gateIn, gateName } from '../../../common/postgres/gate-name.js';

test('a gate is known by its quoted name', () => {
  expect(gateIn(`"${gateName('gate', '00ff')}"`)).toBe('gate');
  expect(gateIn(`"${gateName('hold', '00ff')}"`)).toBe('hold');
});

test.each([
  '',
  '*',
  '"pg2.1a2b"',
  'FIRST 1 ("pg2.1a2b")',
  'hotspare gate 00',
  '"hotspare gatekeeper"',
  '"hotspare gate 00", "pg2"',
  'ANY 1 ("hotspare gate 00")',
])('%j names none', (value) => {
  expect(gateIn(value)).toBeUndefined();
});
