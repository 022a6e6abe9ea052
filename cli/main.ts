import { Command, CommanderError } from 'commander';
import { UserError, messageOf } from '../common/errors.js';
import { hotspareVersion } from '../common/runtime/version.js';
import { groupsFor } from './commands.js';
import { systemIo, type Io } from './io.js';

/** The `hotspare` command. Resolves with its exit code: 0 done, 1 failed, 2 called or configured wrongly, 3 degraded, 4 refused as unsafe, 5 the outcome is unknown. */
export async function main(args: readonly string[], io: Io = systemIo(process)): Promise<number> {
  let exitCode = 0;
  const end = (code: number) => {
    exitCode = code;
  };
  const program = new Command('hotspare')
    .description("Keeps an app's Postgres reachable on a handful of boxes, with Consul.")
    .version(hotspareVersion())
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.err })
    .showHelpAfterError('(hotspare --help shows what there is)');
  for (const { load } of groupsFor(args)) (await load())(program, io, end);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (io.stop.aborted) return 130;
    if (error instanceof UserError) {
      io.err(`hotspare: ${error.message}\n`);
      return error.exitCode;
    }
    io.err(`hotspare: ${sentenceFor(error)}\n`);
    if (io.environment['HOTSPARE_DEBUG'] && error instanceof Error) io.err(`${error.stack}\n`);
    return 1;
  }
}

function sentenceFor(error: unknown): string {
  const message = messageOf(error);
  if (message.includes('ENOSPC')) return `the disk is full: ${message}`;
  return `${message} (HOTSPARE_DEBUG=1 shows where)`;
}
