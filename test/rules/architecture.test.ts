import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const page = readFileSync('docs/ARCHITECTURE.md', 'utf8');
const { include } = JSON.parse(readFileSync('tsconfig.json', 'utf8')) as { include: string[] };
const top = include.filter((room) => !room.includes('.'));

const foldersOf = (room: string): string[] =>
  readdirSync(room, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);

/** Every path in a text that begins with one of the rooms; `agent/{a,b}` is two. KIND and NAME are the reader's. */
function pathsIn(text: string): string[] {
  const words = [...text.matchAll(/`([\w./{},-]+)`/g)].map((match) => match[1] as string);
  return words
    .flatMap((word) => {
      const [, before, choices, after] = /^(.*)\{(.*)\}(.*)$/.exec(word) ?? [];
      return choices === undefined
        ? [word]
        : choices.split(',').map((choice) => `${before}${choice}${after}`);
    })
    .filter((word) => top.includes(word.split('/')[0] as string) && word.includes('/'))
    .map((word) => word.replace(/\/(KIND|NAME).*$/, ''));
}

test('every path on the page is there', () => {
  expect(pathsIn('`agent/{a,b}/c.ts`, `cli/NAME.ts`, `x/y`')).toEqual([
    'agent/a/c.ts',
    'agent/b/c.ts',
    'cli',
  ]);
  const paths = pathsIn(page);
  expect(paths.length).toBeGreaterThan(50);
  // A room whose files are meant one by one, such as core/model, has its name without the end.
  expect(paths.filter((path) => !existsSync(path) && !existsSync(`${path}.ts`))).toEqual([]);
});

describe('the list of rooms', () => {
  const list = /\n## Rooms\n\n```\n(.*?)```/s.exec(page)?.[1] ?? '';
  /** What is said of one room: its line and those that are set in below it. */
  const saidOf = (room: string) => new RegExp(`^${room}/ .*\\n(?: .*\\n)*`, 'm').exec(list)?.[0] ?? '';

  test.each([...top, 'scripts', 'examples'])('%s is in it', (room) => {
    expect(saidOf(room)).not.toBe('');
  });

  const named = [
    'agent',
    'keeper',
    'sidecar',
    'common',
    'cli',
    'status',
    'lab',
    'provision',
    'vagrant',
    'todomvc',
  ];
  const inner = ['agent/core', 'sidecar/core', 'sidecar/postgres', 'common/runtime'];
  test.each([...named, ...inner])('with every folder of %s', (room) => {
    const said = saidOf(room.split('/')[0] as string);
    expect(foldersOf(room).filter((name) => !said.includes(`${name}/`))).toEqual([]);
  });

  test('a folder that is missing in it would be found', () => {
    expect(saidOf('agent')).not.toContain(join('cellar', '/'));
    expect(saidOf('cellar')).toBe('');
  });
});
