import { CommanderError } from 'commander';
import { afterEach, expect, test, vi } from 'vitest';
import { parseOptions } from './options.js';

afterEach(() => {
  vi.restoreAllMocks();
});

/** What is printed, and the exit code. */
function refused(...argv: string[]): { said: string; exitCode: number } {
  let said = '';
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      said += String(text);
      return true;
    });
  try {
    parseOptions(argv, 4711);
  } catch (error) {
    expect(error).toBeInstanceOf(CommanderError);
    return { said, exitCode: (error as CommanderError).exitCode };
  }
  return expect.fail('was not refused');
}

test('--help says how lists are written and what is random', () => {
  const { said, exitCode } = refused('--help');
  expect(exitCode).toBe(0);
  for (const text of ['--faults <a,b>', '(default: kill,freeze,stop)', 'a random'])
    expect(said).toContain(text);
  expect(said).not.toContain('4711');
});

test.each([
  [['--faults='], 'Expected at least one of kill,freeze,stop'],
  [['--faults', 'boom'], 'There is no "boom"'],
  [['3'], 'For example: npm run soak -- --failovers 3'],
])('%j is refused', (argv, text) => {
  expect(refused(...argv)).toMatchObject({ exitCode: 2, said: expect.stringContaining(text) as string });
});

test('nothing given', () => {
  expect(parseOptions([], 4711)).toMatchObject({
    portOffset: 3500,
    failovers: 20,
    busy: false,
    faults: ['kill', 'freeze', 'stop'],
    seed: 4711,
  });
});

test('the primary is moved or lost, not both', () => {
  expect(parseOptions(['--switchovers', '5'], 1)).toMatchObject({ switchovers: 5 });
  expect(refused('--switchovers', '5', '--failovers', '3')).toMatchObject({
    exitCode: 2,
    said: expect.stringContaining('cannot be used with') as string,
  });
});
