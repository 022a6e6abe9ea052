import { Argument, type Command } from 'commander';
import { UserError, messageOf } from '../../common/errors.js';
import { assertNever } from '../../common/assert-never.js';
import { callKeeper, verbs } from '../../common/keeper/client.js';
import { request, type Answer, type Verb } from '../../common/keeper/protocol.js';
import { systemClock } from '../../common/runtime/clock.js';
import { main as keeperMain } from '../../keeper/main.js';
import type { Io } from '../io.js';

const socketDefault = '/run/hotspare-keeper/keeper.sock';

interface CallOptions {
  readonly socket: string;
  readonly json?: boolean;
}

export function keeperCommand(program: Command, io: Io, end: (code: number) => void): void {
  const keeper = program
    .command('keeper')
    .description("Run the keeper, which does with this box's Postgres what its agent orders")
    .option('-c, --config <file>', 'its configuration (YAML)')
    .option('--user <name>', 'started by root: become that account first')
    .action(async (options: ProgramOptions) => {
      end(await keeperMain(argumentsOf(options)));
    });
  keeper
    .command('prepare-start')
    .description('Make the next start of Postgres safe; for ExecStartPre. Ends with 1 when it must not start')
    .option('-c, --config <file>', 'configuration of the keeper (YAML)')
    .option('--user <name>', 'started by root: become that account first')
    .action(async (_options: object, command: Command) => {
      end(await keeperMain(['prepare-start', ...argumentsOf(command.optsWithGlobals<ProgramOptions>())]));
    });
  keeper
    .command('call')
    .description('Give one order; exits with 0 done, 1 failed, 2 usage, 4 refused, 5 outcome unknown')
    .addArgument(new Argument('<verb>', 'what the keeper is to do').choices(verbs))
    .argument('[json]', `the order's fields as a JSON object, such as '{"do": "close"}' for gate`, '{}')
    .option('-s, --socket <path>', "the keeper's socket", socketDefault)
    .option('--json', 'print the answer as one line of JSON')
    .action(async (verb: Verb, json: string, options: CallOptions) => {
      const answer = await callKeeper(orderFrom(verb, json), {
        socket: options.socket,
        clock: systemClock,
        signal: io.stop,
        onProgress: (text) => io.err(`${text}\n`),
      });
      io.out(options.json ? `${JSON.stringify(answer)}\n` : shown(answer));
      end(exitCodeOf(answer));
    });
}

interface ProgramOptions {
  readonly config?: string;
  readonly user?: string;
}

function argumentsOf({ config, user }: ProgramOptions): string[] {
  if (config === undefined) throw new UserError('--config is missing', { exitCode: 2 });
  return ['--config', config, ...(user === undefined ? [] : ['--user', user])];
}

function orderFrom(verb: Verb, json: string) {
  try {
    return request.read({ ...(JSON.parse(json) as object), verb }, verb);
  } catch (error) {
    const why =
      error instanceof SyntaxError
        ? `the fields of ${verb} are not JSON: ${messageOf(error)}. Put them into single quotes, such as '{"do": "close"}' for gate`
        : messageOf(error);
    throw new UserError(why, { exitCode: 2 });
  }
}

function shown(answer: Answer<Verb>): string {
  if (answer.outcome === 'done') return `done\n${JSON.stringify(answer.result, undefined, 2)}\n`;
  const why = answer.outcome === 'refused' ? ` (${answer.reason})` : '';
  return `${answer.outcome}${why}: ${answer.sentence}\n`;
}

function exitCodeOf({ outcome }: Answer<Verb>): number {
  switch (outcome) {
    case 'done':
      return 0;
    case 'failed':
      return 1;
    case 'refused':
      return 4;
    case 'timed-out':
    case 'unconfirmed':
      return 5;
    default:
      return assertNever(outcome);
  }
}
