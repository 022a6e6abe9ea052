import { expect, test, vi } from 'vitest';
import { kindNames } from './faults/kinds.js';
import { parseOptions } from './options.js';

test('defaults: twenty faults of every kind, the seed that was drawn', () => {
  expect(parseOptions([], 9)).toMatchObject({ faults: 20, seed: 9, only: kindNames, output: 'text' });
});

test('what is given', () => {
  const options = parseOptions(
    ['--faults', '200', '--seed', '3', '--only', 'box-off,agent-kill', '-o', 'json'],
    9,
  );
  expect(options).toMatchObject({ faults: 200, seed: 3, only: ['agent-kill', 'box-off'], output: 'json' });
});

test.each([
  ['--faults', '0'],
  ['--seed', 'x'],
  ['--only', 'box-of'],
  ['--minutes', '0'],
  ['-o', 'yaml'],
])('%s %s is refused', (...argv) => {
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  expect(() => parseOptions(argv, 9)).toThrow(expect.objectContaining({ exitCode: 2 }));
});
