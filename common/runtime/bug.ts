import { inspect } from 'node:util';
import { messageOf } from '../errors.js';
import type { Log } from './log.js';

/** The exit code of a program that its own fault has ended; 70 is `EX_SOFTWARE` of sysexits. */
export const bugExitCode = 70;

/**
 * From now on whatever is thrown and not caught ends the process, with a line in the log that says so. Nothing that is
 * known of the world afterwards could be trusted; whoever supervises the program starts it anew.
 */
export function endOnBug(program: string, log: Log): void {
  process.on('uncaughtException', (error) => {
    log.fatal(
      { stack: inspect(error) },
      `a bug in the ${program} ends it, please report it: ${messageOf(error)}`,
    );
    process.exit(bugExitCode);
  });
}
