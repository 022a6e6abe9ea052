import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readYaml } from '../common/text/config-reader.js';
import { UserError, messageOf } from '../common/errors.js';
import { targetKey } from '../common/names.js';
import { boxPaths, labFiles, labSettings, labStatus, openLab } from '../lab/index.js';
import type { Io } from './io.js';

/** What `--consul` is when it is not given. */
export const consulHelp =
  'a Consul agent; default CONSUL_HTTP_ADDR, else the lab of this machine, else http://127.0.0.1:8500';

/** The Consul agent that was named, by option or environment. */
export function consulNamed(io: Io, option: string | undefined): string | undefined {
  const consulUrl = option ?? io.environment['CONSUL_HTTP_ADDR'];
  return consulUrl === undefined ? undefined : withScheme(consulUrl);
}

/** The token for Consul, from the environment as Consul's own tools take it. */
export function tokenFrom(environment: NodeJS.ProcessEnv): string | undefined {
  const file = environment['CONSUL_HTTP_TOKEN_FILE'];
  if (environment['CONSUL_HTTP_TOKEN'] || !file) return environment['CONSUL_HTTP_TOKEN'];
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new UserError(`CONSUL_HTTP_TOKEN_FILE cannot be read: ${messageOf(error)}`, { exitCode: 2 });
  }
}

/** Consul's own tools take an address without a scheme, too. */
export function withScheme(text: string): string {
  const url = text.includes('://') ? text : `http://${text}`;
  if (!URL.canParse(url))
    throw new UserError(`${JSON.stringify(text)} is no URL; expected one like http://127.0.0.1:8500`, {
      exitCode: 2,
    });
  return url;
}

/** Where to ask when a lab is on this machine: a Consul that runs, or else its agents. On a box: its own agent, too. */
export async function placesInLab(io: Io): Promise<{ consulUrl?: string; agents?: string[] }> {
  if (!labExists(io)) {
    const own = agentOfThisBox();
    return own === undefined ? {} : { agents: [own] };
  }
  const settings = labSettings(io.environment, io.isRoot);
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

/** Where a provisioned box has its agent's configuration. */
const agentFile = '/etc/hotspare/agent.yaml';

/** The agent of this box, when this is a box: one without services is in nobody's catalogue. */
export function agentOfThisBox(file = agentFile): string | undefined {
  try {
    const http = readYaml(readFileSync(file, 'utf8'), file).entry('http');
    const target = {
      host: http.entry('host').text('a host'),
      port: http.entry('port').integer('a port', 1, 65_535),
    };
    return `http://${targetKey(target)}`;
  } catch {
    return undefined;
  }
}

/** Whether there is a lab on this machine, running or not. */
export function labExists(io: Io): boolean {
  return existsSync(labFiles(labSettings(io.environment, io.isRoot).directory).secrets);
}

/** The secret of the agents of this machine's lab, as the agent of that box has it. */
export function labSecretFile(io: Io, box: string): string {
  const { directory } = labSettings(io.environment, io.isRoot);
  return join(boxPaths(directory, { name: box }).config, 'http.secret');
}
