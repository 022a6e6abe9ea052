import { Option, type Command } from 'commander';
import { UserError } from '../../common/errors.js';
import { confirm } from '../ask.js';
import type { Io } from '../io.js';
import { consulHelp } from '../places.js';
import { secretHelp } from '../secret.js';

/** What every command has that goes through the agents of a service's members. */
export interface ReachOptions {
  readonly service: string;
  readonly consul?: string;
  readonly agent?: readonly string[];
  readonly output: 'text' | 'json';
}
export interface ChangeOptions extends ReachOptions {
  readonly secretFile?: string;
  readonly yes?: boolean;
}

export function withReach(command: Command): Command {
  return command
    .option('--service <name>', 'which service', 'pg')
    .option('--consul <url>', consulHelp)
    .option(
      '--agent <url>',
      "a member's agent, when Consul cannot tell where it is; may be repeated",
      collect,
    )
    .addOption(
      new Option('-o, --output <format>', 'how to print it').choices(['text', 'json']).default('text'),
    );
}

export function withChange(command: Command): Command {
  return withReach(command).option('--secret-file <file>', secretHelp).option('-y, --yes', 'ask nothing');
}

export const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];

/** Before anything is looked at: a question without a terminal is refused. Throws UserError, exit code 2. */
export function mustBeAbleToAsk({ yes }: ChangeOptions, io: Io): void {
  if (yes === true || io.isTerminal) return;
  throw new UserError('this asks before it acts, and there is no terminal to ask on; --yes answers yes', {
    exitCode: 2,
  });
}

/** Shows what is known, and asks. Throws UserError, exit code 1, when the answer is no. */
export async function ask(
  { yes }: ChangeOptions,
  io: Io,
  known: readonly string[],
  question: string,
): Promise<void> {
  for (const line of known) io.err(`${line}\n`);
  if (yes === true || (await confirm(io, question))) return;
  throw new UserError('nothing was done');
}
