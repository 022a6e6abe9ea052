import { pino, type DestinationStream, type Logger } from 'pino';

export type Log = Pick<Logger, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'child'>;
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** JSON lines on standard output: time in ISO 8601, `level` as a word. Never waits for a slow disk longer than the kernel does. */
export function createLog(name: string, level: LogLevel = 'info', destination?: DestinationStream): Log {
  return pino(
    {
      name,
      level,
      base: { name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: ['password', '*.password', 'token', '*.token'],
    },
    destination ?? pino.destination({ dest: 1, sync: false }),
  );
}
