import type { Binaries } from '../common/runtime/binaries.js';
import { ports } from '../common/names.js';
import type { Secrets } from './secrets.js';
import type { Box, Topology } from './topology.js';

/** Where things lie on one box. In the lab every box has folders of its own; on a real box these are system paths. */
export interface BoxPaths {
  readonly config: string;
  readonly consulData: string;
  readonly postgresData: string;
  readonly nginxState: string;
  readonly agentState: string;
  readonly appCache: string;
}

/** All that the configuration files of a topology depend on. */
export interface Site {
  readonly topology: Topology;
  /** First three numbers of every address. */
  readonly subnet: string;
  /** Added to every port. */
  readonly portOffset: number;
  /** Which addresses the boxes' connections may come from. */
  readonly clientNetwork: string;
  /** Port nginx listens on, before the offset: 80 on real boxes, above 1024 where there is no root. */
  readonly webPort: number;
  readonly binaries: { readonly [name in keyof Binaries]: NonNullable<Binaries[name]> };
  readonly secrets: Secrets;
  readonly pathsOf: (box: Box) => BoxPaths;
  /** The account nginx workers run as, when nginx is started by root. */
  readonly nginxUser: string | undefined;
  /** The account Postgres runs as; owns the Postgres files. Undefined: the caller. */
  readonly postgresAccount: { readonly uid: number; readonly gid: number } | undefined;
}

export type PortName = keyof typeof ports | 'web';

export function portOf(site: Site, name: PortName): number {
  return (name === 'web' ? site.webPort : ports[name]) + site.portOffset;
}

export function addressOf(site: Site, box: Box): string {
  return `${site.subnet}.${box.host}`;
}
