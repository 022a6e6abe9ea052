import type { Log } from '../../common/runtime/log.js';

/** A log that keeps its lines: `level: message`. */
export function keptLog(): Log & { readonly lines: string[] } {
  const lines: string[] = [];
  const at =
    (level: string) =>
    (...args: unknown[]) =>
      void lines.push(`${level}: ${args.find((arg) => typeof arg === 'string') ?? JSON.stringify(args[0])}`);
  const log = {
    lines,
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
    child: () => log,
  };
  return log as unknown as Log & { readonly lines: string[] };
}
