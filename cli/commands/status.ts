import { Option, type Command } from 'commander';
import { systemClock } from '../../common/runtime/clock.js';
import type { Io } from '../io.js';
import { consulHelp, consulNamed, placesInLab, tokenFrom, withScheme } from '../places.js';
import { statusCommand as showStatus } from '../status/status.js';
import { watchStatus } from '../status/watch.js';

interface Options {
  readonly service: string;
  readonly output: 'text' | 'json';
  readonly json?: boolean;
  readonly consul?: string;
  readonly agent?: readonly string[];
  readonly watch?: boolean;
}

export function statusCommand(program: Command, io: Io, end: (code: number) => void): void {
  program
    .command('status')
    .description(
      'Mode, members, roles, lag, and why; exits with 3 when degraded, 1 when nothing could be read',
    )
    .addOption(
      new Option('-o, --output <format>', 'how to print it').choices(['text', 'json']).default('text'),
    )
    .option('--json', 'the same as -o json')
    .option('--service <name>', 'which service', 'pg')
    .option('--consul <url>', consulHelp)
    .option('--agent <url>', 'a hotspare agent to ask directly; may be repeated', collect)
    .option('-w, --watch', 'look again every second and print what has changed, until Ctrl-C')
    .action(async (options: Options) => {
      const consulUrl = consulNamed(io, options.consul);
      const places = consulUrl === undefined ? await placesInLab(io) : { consulUrl };
      const token = tokenFrom(io.environment);
      const asked = {
        service: options.service,
        output: options.json ? 'json' : options.output,
        clock: systemClock,
        ...places,
        ...(options.agent ? { agents: options.agent.map(withScheme) } : {}),
        ...(token === undefined ? {} : { token }),
      } as const;
      end(options.watch ? await watchStatus(asked, io) : await showStatus(asked, io));
    });
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}
