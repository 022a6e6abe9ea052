import { Command, InvalidArgumentError, Option } from 'commander';
import { faults, standardOffset, type Fault } from './boxes.js';
import { ormNames } from './clients/orms.js';
import { heapGrowthLimitMb } from './report.js';

export interface Options {
  /** Instead of failovers: how often the primary is moved. */
  readonly switchovers?: number;
  readonly failovers: number;
  readonly faults: readonly Fault[];
  readonly orms: readonly string[];
  /** Of each ORM. */
  readonly clients: number;
  readonly pauseMs: number;
  /** Every core is taken by something else as well. */
  readonly busy: boolean;
  readonly deadlineMs: number;
  readonly seed: number;
  /** Of the boxes. */
  readonly portOffset: number;
  readonly output: 'text' | 'json';
}

const whole = (least: number) => (text: string) => {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || !Number.isSafeInteger(value))
    throw new InvalidArgumentError(`Expected a whole number from ${least}.`);
  return value;
};

const someOf =
  (allowed: readonly string[]) =>
  (text: string): string[] => {
    const names = text.split(',');
    if (text === '') throw new InvalidArgumentError(`Expected at least one of ${allowed.join(',')}.`);
    const unknown = names.find((name) => !allowed.includes(name));
    if (unknown !== undefined)
      throw new InvalidArgumentError(
        `There is no ${JSON.stringify(unknown)}; expected some of ${allowed.join(',')}.`,
      );
    return names;
  };

const list = (flags: string, description: string, all: readonly string[]) =>
  new Option(flags, description).argParser(someOf(all)).default(all, all.join(','));

/** Ends the process with 2 on bad input, with 0 on --help. */
export function parseOptions(argv: readonly string[], seed: number): Options {
  const allFaults = Object.keys(faults);
  const program = new Command('npm run soak --')
    .description(
      'Loses the primary of five boxes again and again while an app with every ORM goes on reading and writing, and looks whether anything hung, crashed, was wrong or leaked. With --switchovers it is not lost but moved, by "hotspare switchover". Makes boxes of its own, in a folder of their own, and removes them; after a failure they are stopped, and their logs are kept.',
    )
    .option('--failovers <count>', 'how often the primary is lost', whole(1), 20)
    .addOption(
      new Option(
        '--switchovers <count>',
        'how often the primary is moved instead; the app writes with writeWaitMs: 2000, and a client of bare pg writes beside it',
      )
        .argParser(whole(1))
        .conflicts(['failovers', 'faults']),
    )
    .addOption(list('--faults <a,b>', 'how it is lost', allFaults))
    .addOption(list('--orms <a,b>', 'who is under load', ormNames))
    .option('--clients <count>', 'of each ORM, at the same time', whole(1), 3)
    .option('--pause-ms <ms>', 'between two turns of a client, on average', whole(0), 60)
    .option('--busy', 'with a process on every core that takes what it gets', false)
    .option('--deadline-ms <ms>', 'an operation that takes longer hangs', whole(1), 5_000)
    .option(
      '--port-offset <number>',
      'added to every port of the boxes: another one, if these are taken',
      whole(0),
      standardOffset,
    )
    .addOption(
      new Option('--seed <number>', 'the same faults in the same order')
        .argParser(whole(0))
        .default(seed, 'a random one, printed with the result'),
    )
    .showHelpAfterError('For example: npm run soak -- --failovers 3')
    .addOption(new Option('-o, --output <format>', 'of the report').choices(['text', 'json']).default('text'))
    .addHelpText(
      'after',
      `\nExits with 0 when nothing was found and the heap has grown by ${heapGrowthLimitMb} MB at most (with --switchovers: when\nnothing failed, was lost or was wrong), with 2 when the command is wrong, with 1 otherwise.`,
    )
    .exitOverride((error) => {
      throw error.exitCode === 0 ? error : Object.assign(error, { exitCode: 2 });
    });
  program.parse(argv, { from: 'user' });
  return program.opts();
}
