import { Command } from 'commander';
import { expect, test } from 'vitest';
import { groups, groupsFor } from '../../cli/commands.js';
import { systemIo } from '../../cli/io.js';

test.each(groups)('the file of $names adds just these', async ({ names, load }) => {
  const program = new Command();
  (await load())(program, systemIo(process), () => {});
  expect(program.commands.map((command) => command.name())).toEqual(names);
});

test('one group is loaded for a command that is known, and all for anything else', () => {
  expect(groupsFor(['promote', 'pg2'])).toEqual(groups.filter(({ names }) => names.includes('promote')));
  for (const args of [[], ['--help'], ['help', 'promote'], ['prmote']]) expect(groupsFor(args)).toBe(groups);
});
