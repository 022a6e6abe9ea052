import { Command, InvalidArgumentError, Option } from 'commander';
import { kindNames, type KindName } from './faults/kinds.js';

export interface Options {
  readonly faults: number;
  readonly seed: number;
  readonly only: readonly KindName[];
  /** No fault begins later, in minutes from the first on. */
  readonly minutes: number;
  readonly output: 'text' | 'json';
}

const whole = (least: number) => (text: string) => {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || !Number.isSafeInteger(value))
    throw new InvalidArgumentError(`Expected a whole number from ${least}.`);
  return value;
};

function someKinds(text: string): KindName[] {
  const names = text.split(',');
  const unknown = names.find((name) => !kindNames.some((kind) => kind === name));
  if (unknown !== undefined)
    throw new InvalidArgumentError(
      `There is no ${JSON.stringify(unknown)}; expected some of ${kindNames.join(',')}.`,
    );
  return kindNames.filter((kind) => names.includes(kind));
}

/** Throws a CommanderError, of exit code 2 on bad input and 0 on --help. */
export function parseOptions(argv: readonly string[], seed: number): Options {
  const program = new Command('npm run chaos --')
    .description(
      'Five real boxes (LXC, as root) with durability=sync and promotion=auto: faults alone and in pairs, while clients insert unique integers through the Pool and through bare pg and an observer tries to write on both members. Says what was acknowledged and lost, and whether two members ever acknowledged at one time. Makes boxes of its own and removes them.',
    )
    .option('--faults <count>', 'how many, a pair counts as two', whole(1), 20)
    .addOption(
      new Option('--seed <number>', 'the same faults in the same order; not the same timing')
        .argParser(whole(0))
        .default(seed, 'a random one, printed with the result'),
    )
    .addOption(
      new Option('--only <a,b>', 'some kinds of faults')
        .argParser(someKinds)
        .default([...kindNames], kindNames.join(',')),
    )
    .option('--minutes <count>', 'no fault begins later', whole(1), 24 * 60)
    .addOption(new Option('-o, --output <format>', 'of the report').choices(['text', 'json']).default('text'))
    .addHelpText(
      'after',
      '\nExits with 0 when nothing was lost, nothing unexpected was found, no two members acknowledged at one time, and every\nmember followed one primary at the end; with 3 when only the last is not so, or a client saw an error that no fault explains; with 2 when the command is wrong,\nwith 1 otherwise.',
    )
    .exitOverride((error) => {
      throw error.exitCode === 0 ? error : Object.assign(error, { exitCode: 2 });
    });
  program.parse(argv, { from: 'user' });
  return program.opts();
}
