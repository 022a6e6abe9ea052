import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../common/errors.js';
import type { ProcessUnit } from '../common/runtime/processes/unit.js';
import { addressOf, portOf, type LabSite, type PortName } from '../provision/site/site.js';
import type { Box } from '../provision/topology/topology.js';

/** What runs on a box, in the order it is started. */
export const programs = ['consul', 'pg', 'agent', 'nginx', 'todomvc'] as const;
export type Program = (typeof programs)[number];

/** The port by which a program is known. */
const portNames: Record<Program, PortName> = {
  consul: 'consulHttp',
  pg: 'postgres',
  agent: 'agentHttp',
  nginx: 'web',
  todomvc: 'todomvc',
};

export interface Instance {
  readonly unit: string;
  readonly program: Program;
  readonly box: Box;
  readonly address: string;
  readonly port: number;
}

/** Every program of every box. */
export function instancesOf(site: LabSite): Instance[] {
  return site.topology.boxes.flatMap((box) =>
    programs
      .filter((program) => program === 'consul' || program === 'agent' || box.services.includes(program))
      .map((program) => ({
        unit: `${program}@${box.name}`,
        program,
        box,
        address: addressOf(site, box),
        port: portOf(site, portNames[program]),
      })),
  );
}

export function unitsOf(site: LabSite, logs: string, dist: string): ProcessUnit[] {
  return instancesOf(site).map((instance) => unitOf(site, instance, logs, dist));
}

function unitOf(site: LabSite, { unit, program, box }: Instance, logs: string, dist: string): ProcessUnit {
  const paths = site.pathsOf(box);
  const common = {
    name: unit,
    environment: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' },
    workingDirectory: '/',
    logFile: join(logs, `${unit}.log`),
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 10_000,
    killMode: 'control-group',
  } as const;
  const node = (main: string, ...args: string[]): ProcessUnit['command'] => [
    process.execPath,
    join(dist, main),
    ...args,
  ];
  switch (program) {
    case 'consul':
      return {
        ...common,
        command: [site.binaries.consul, 'agent', `-config-file=${join(paths.config, 'consul.json')}`],
        environment: { ...common.environment, GOMAXPROCS: '2' },
      };
    case 'pg':
      return {
        ...common,
        command: [join(site.binaries.postgresBin, 'postgres'), '-D', paths.postgresData],
        account: site.postgresAccount,
        // "Fast": sessions are ended, a last checkpoint is written.
        stopSignal: 'SIGINT',
        stopTimeoutMs: 30_000,
        killMode: 'process',
      };
    case 'agent':
      return { ...common, command: node('agent/main.js', '--config', join(paths.config, 'agent.yaml')) };
    case 'nginx':
      return {
        ...common,
        command: [site.binaries.nginx, '-p', paths.nginxState, '-c', paths.nginxConf],
        stopSignal: 'SIGQUIT',
        stopTimeoutMs: 3_000,
      };
    case 'todomvc':
      return {
        ...common,
        command: node('todomvc/main.js'),
        environment: { ...common.environment, ...environmentFrom(join(paths.config, 'todomvc.env')) },
        // Longer than its own longest drain.
        stopTimeoutMs: 40_000,
      };
  }
}

/** A file of NAME=value lines, as systemd's EnvironmentFile; empty while it was not rendered yet. */
function environmentFrom(file: string): Record<string, string> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return {};
    throw error;
  }
  return Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const at = line.indexOf('=');
      return line.startsWith('#') || at < 1 ? [] : [[line.slice(0, at), line.slice(at + 1)]];
    }),
  );
}
