import { homedir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '../common/errors.js';
import { processFiles } from '../common/runtime/processes/folder.js';
import { ports } from '../common/names.js';
import type { BoxPaths } from '../provision/site/site.js';
import type { Box } from '../provision/topology/topology.js';

/** The settings of a lab that come from the environment. */
export interface LabSettings {
  /** Everything of this lab lies here. */
  readonly directory: string;
  readonly portOffset: number;
  /** Another topology than the one that is shipped. */
  readonly topologyFile?: string;
}

/** nginx in the lab, where nobody needs to be root. */
export const labWebPort = 8080;
const browserPorts = [labWebPort, ports.consulHttp];
/** Of the WHATWG fetch standard's "bad ports", those an offset could reach. */
const portsBrowsersRefuse: ReadonlySet<number> = new Set([10_080]);

const environmentFile = 'environment';

/**
 * HOTSPARE_PORT_OFFSET: added to every port, default 0; labs with different offsets are different labs.
 * HOTSPARE_LAB_DIR: where the lab lives, default /var/lib/hotspare/lab for root, else $XDG_STATE_HOME/hotspare/lab
 * (~/.local/state/hotspare/lab); an offset is appended.
 * HOTSPARE_TOPOLOGY: another topology file than the package's vagrant/topology.json.
 */
export function labSettings(environment: NodeJS.ProcessEnv, isRoot: boolean): LabSettings {
  const text = environment['HOTSPARE_PORT_OFFSET'] ?? '0';
  const portOffset = Number(text);
  if (!/^\d+$/.test(text) || portOffset > 50_000) {
    throw new ConfigError(environmentFile, 'HOTSPARE_PORT_OFFSET', text, 'a whole number from 0 to 50000');
  }
  const unsafe = browserPorts.find((port) => portsBrowsersRefuse.has(port + portOffset));
  if (unsafe !== undefined) {
    const expected = `another number: browsers refuse to open port ${unsafe + portOffset}`;
    throw new ConfigError(environmentFile, 'HOTSPARE_PORT_OFFSET', text, expected);
  }
  const given = absolutePath(environment, 'HOTSPARE_LAB_DIR');
  const topologyFile = absolutePath(environment, 'HOTSPARE_TOPOLOGY');
  const state = isRoot ? '/var/lib' : (environment['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'));
  const standard = join(state, 'hotspare', portOffset === 0 ? 'lab' : `lab-${portOffset}`);
  return { directory: given ?? standard, portOffset, ...(topologyFile ? { topologyFile } : {}) };
}

function absolutePath(environment: NodeJS.ProcessEnv, name: string): string | undefined {
  const path = environment[name];
  if (path === undefined || path.startsWith('/')) return path;
  throw new ConfigError(environmentFile, name, path, 'an absolute path');
}

/** Where the lab's own files lie. */
export function labFiles(directory: string) {
  return {
    /** Marks a folder as a lab: only such a folder is ever removed. */
    marker: join(directory, 'lab.json'),
    secrets: join(directory, 'secrets.json'),
    managementToken: join(directory, 'management.token'),
    run: processFiles(directory).run,
    logs: join(directory, 'logs'),
  };
}

export function boxPaths(directory: string, box: Pick<Box, 'name'>): BoxPaths {
  const root = join(directory, box.name);
  const config = join(root, 'etc');
  const nginxState = join(root, 'nginx');
  return {
    config,
    consulData: join(root, 'consul'),
    postgresData: join(root, 'postgres', 'data'),
    postgresConfig: join(config, 'postgres'),
    postgresMainConf: join(config, 'postgres', 'postgresql.conf'),
    postgresSockets: join(root, 'run'),
    postgresSettings: join(config, 'postgres', 'hotspare.conf'),
    keeperSettings: join(config, 'postgres', 'keeper.conf'),
    keeperState: join(root, 'keeper'),
    keeperSocket: join(root, 'run', 'keeper.sock'),
    nginxConf: join(config, 'nginx.conf'),
    nginxState,
    upstreams: join(nginxState, 'upstreams.conf'),
    agentState: join(root, 'agent'),
    appCache: join(root, 'todomvc'),
  };
}
