import { existsSync, readFileSync } from 'node:fs';
import { Option, type Command } from 'commander';
import { UserError, messageOf } from '../../common/errors.js';
import { systemClock } from '../../common/runtime/clock.js';
import { labFiles, labSettings, labStatus, openLab } from '../../lab/index.js';
import type { Io } from '../io.js';
import { statusCommand as showStatus } from '../status/status.js';

interface Options {
  readonly service: string;
  readonly output: 'text' | 'json';
  readonly json?: boolean;
  readonly consul?: string;
  readonly agent?: readonly string[];
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
    .option(
      '--consul <url>',
      'a Consul agent; default CONSUL_HTTP_ADDR, else the lab of this machine, else http://127.0.0.1:8500',
    )
    .option('--agent <url>', 'a hotspare agent to ask directly; may be repeated', collect)
    .action(async (options: Options) => {
      const consulUrl = options.consul ?? io.environment['CONSUL_HTTP_ADDR'];
      const places = consulUrl === undefined ? await placesInLab(io) : { consulUrl: withScheme(consulUrl) };
      const token = tokenFrom(io.environment);
      end(
        await showStatus(
          {
            service: options.service,
            output: options.json ? 'json' : options.output,
            clock: systemClock,
            ...places,
            ...(options.agent ? { agents: options.agent.map(withScheme) } : {}),
            ...(token === undefined ? {} : { token }),
          },
          io,
        ),
      );
    });
}

function tokenFrom(environment: NodeJS.ProcessEnv): string | undefined {
  const file = environment['CONSUL_HTTP_TOKEN_FILE'];
  if (environment['CONSUL_HTTP_TOKEN'] || !file) return environment['CONSUL_HTTP_TOKEN'];
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new UserError(`CONSUL_HTTP_TOKEN_FILE cannot be read: ${messageOf(error)}`, { exitCode: 2 });
  }
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

/** Consul's own tools take an address without a scheme, too. */
function withScheme(text: string): string {
  const url = text.includes('://') ? text : `http://${text}`;
  if (!URL.canParse(url))
    throw new UserError(`${JSON.stringify(text)} is no URL; expected one like http://127.0.0.1:8500`, {
      exitCode: 2,
    });
  return url;
}

/** Where to ask when a lab is on this machine: a Consul that runs, or else its agents. */
async function placesInLab(io: Io): Promise<{ consulUrl?: string; agents?: string[] }> {
  const settings = labSettings(io.environment, io.isRoot);
  if (!existsSync(labFiles(settings.directory).secrets)) return {};
  const services = (await labStatus(openLab(settings))).boxes.flatMap((box) => box.services);
  const urls = (name: string) =>
    services
      .filter((service) => service.name === name && service.state === 'running')
      .map(({ address, port }) => `http://${address}:${port}`);
  const [consulUrl] = urls('consul');
  if (consulUrl !== undefined) return { consulUrl };
  const first = services.find(({ name }) => name === 'consul');
  const agents = urls('agent');
  return {
    ...(first ? { consulUrl: `http://${first.address}:${first.port}` } : {}),
    ...(agents.length > 0 ? { agents } : {}),
  };
}
