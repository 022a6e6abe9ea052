import { Option, type Command } from 'commander';
import { UserError } from '../../common/errors.js';
import { systemClock, systemRandom } from '../../common/runtime/clock.js';
import { commandOutlet, hookOutlet } from '../alerts/outlets.js';
import { watchAlerts } from '../alerts/watch.js';
import type { Io } from '../io.js';
import { consulHelp, consulNamed, placesInLab, tokenFrom, withScheme } from '../places.js';

/** Between two looks, for each question, in ms; a replica further behind is told, in bytes. */
const defaults = { everyMs: 1_000, timeoutMs: 2_000, maxLagBytes: 16 * 1024 * 1024 };

interface Options {
  readonly service: string;
  readonly output: 'text' | 'json';
  readonly consul?: string;
  readonly agent?: readonly string[];
  readonly command?: readonly string[];
  readonly webhook?: readonly string[];
}

export function alertsCommand(program: Command, io: Io, end: (code: number) => void): void {
  program
    .command('alerts')
    .description(
      'Watch, and tell a program or a web hook what is wrong: one message a cause, and one when it is over; until Ctrl-C',
    )
    .addOption(
      new Option('-o, --output <format>', 'how to print messages').choices(['text', 'json']).default('text'),
    )
    .option('--service <name>', 'which service', 'pg')
    .option('--command <path>', 'a program to run for each message; may be repeated', collect)
    .option('--webhook <url>', 'where each message is posted as JSON; may be repeated', collect)
    .option('--consul <url>', consulHelp)
    .option('--agent <url>', 'a hotspare agent to ask directly; may be repeated', collect)
    .action(async (options: Options) => {
      const named = consulNamed(io, options.consul);
      const places = named === undefined ? await placesInLab(io) : { consulUrl: named, agents: [] };
      const token = tokenFrom(io.environment);
      const { consulUrl = 'http://127.0.0.1:8500', agents = [] } = places;
      end(
        await watchAlerts(
          {
            reading: {
              service: options.service,
              consulUrl: consulUrl.replace(/\/+$/, ''),
              agents: [...agents, ...(options.agent ?? []).map(withScheme)],
              timeoutMs: defaults.timeoutMs,
              ...(token === undefined ? {} : { token }),
            },
            outlets: [
              ...(options.command ?? []).map(commandOutlet),
              ...(options.webhook ?? []).map((url) => hookOutlet(hookUrl(url))),
            ],
            output: options.output,
            everyMs: defaults.everyMs,
            maxLagBytes: defaults.maxLagBytes,
            clock: systemClock,
            random: systemRandom,
          },
          io,
        ),
      );
    });
}

function hookUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new UserError(`--webhook: expected a URL that begins with http:// or https://`, { exitCode: 2 });
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}
