import { escapedLine } from '../text/plain-text.js';
import { LogOutput } from './log-output.js';
import { pino, type DestinationStream, type Logger } from 'pino';

export type Log = Pick<Logger, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'child'>;
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** One for all logs of the process. */
let standardOutput: LogOutput | undefined;

/** JSON lines on standard output: time in ISO 8601, `level` as a word. A stuck output never makes the daemon wait. */
export function createLog(name: string, level: LogLevel = 'info', destination?: DestinationStream): Log {
  return pino(
    {
      name,
      level,
      base: { name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // JSON leaves some of what acts on a terminal as it is, and texts of others are logged.
      hooks: { streamWrite: escapedLine },
      redact: ['password', '*.password', 'token', '*.token'],
    },
    destination ?? (standardOutput ??= new LogOutput()),
  );
}
