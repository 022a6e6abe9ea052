import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../common/errors.js';
import type { ProcessUnit } from '../common/runtime/processes/unit.js';
import { programsOn } from '../provision/services/index.js';
import { placeOf, processName, type Listener, type Program } from '../provision/services/program.js';
import { addressOf, type LabSite } from '../provision/site/site.js';
import type { Box } from '../provision/topology/topology.js';

export interface Instance {
  readonly unit: string;
  /** Its descriptor's name. */
  readonly program: string;
  /** Lower ones are started first and stopped last. */
  readonly order: number;
  readonly box: Box;
  readonly address: string;
  /** The port by which it is known; undefined: it listens on none. */
  readonly port: number | undefined;
  /** Others that it listens on. */
  readonly alsoListens: readonly Listener[];
}

interface Run {
  readonly instance: Instance;
  readonly process: NonNullable<Program['process']>;
}

/** Every program of every box that the lab runs. */
function runs(site: LabSite): Run[] {
  return site.topology.boxes.flatMap((box) =>
    programsOn(site, box).flatMap(({ name, order, port, alsoListens, process }) => {
      if (!process) return [];
      const instance = {
        unit: processName(name, box),
        program: name,
        order,
        box,
        address: addressOf(site, box),
        port: port?.(site),
        alsoListens: alsoListens?.(site) ?? [],
      };
      return { instance, process };
    }),
  );
}

export function instancesOf(site: LabSite): Instance[] {
  return runs(site).map(({ instance }) => instance);
}

export function unitsOf(site: LabSite, logs: string, dist: string): ProcessUnit[] {
  const node = (main: string, ...args: string[]): ProcessUnit['command'] => [
    process.execPath,
    join(dist, main),
    ...args,
  ];
  return runs(site).map(({ instance: { unit, box }, process: processOf }) => {
    const { environment, environmentFile, ...own } = processOf(placeOf(site, box), node);
    return {
      name: unit,
      workingDirectory: '/',
      logFile: join(logs, `${unit}.log`),
      stopSignal: 'SIGTERM',
      stopTimeoutMs: 10_000,
      killMode: 'control-group',
      ...own,
      environment: {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        LANG: 'C.UTF-8',
        ...environment,
        ...(environmentFile === undefined ? {} : environmentFrom(environmentFile)),
      },
    };
  });
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
