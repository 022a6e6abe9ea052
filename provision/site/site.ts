import type { Binaries } from '../../common/runtime/machine/binaries.js';
import { ports } from '../../common/names.js';
import type { Secrets } from './secrets.js';
import type { Box, Topology } from '../topology/model.js';

/** Where things lie on one box. In the lab every box has folders of its own; on a real box these are system paths. */
export interface BoxPaths {
  /** Folder of hotspare's own settings. */
  readonly config: string;
  readonly consulData: string;
  readonly postgresData: string;
  /** Folder of pg_hba.conf and the replication password. */
  readonly postgresConfig: string;
  /** postgresql.conf, which Postgres is started with. */
  readonly postgresMainConf: string;
  /** Folder of Postgres' Unix socket. */
  readonly postgresSockets: string;
  /** The file of hotspare's settings of Postgres. */
  readonly postgresSettings: string;
  /** The file of the settings that belong to the keeper, whom a member follows above all; read after the other. */
  readonly keeperSettings: string;
  /** Folder of the keeper's own small files. */
  readonly keeperState: string;
  readonly keeperSocket: string;
  /** The file nginx is started with. */
  readonly nginxConf: string;
  /** Folder of nginx' temporary files. */
  readonly nginxState: string;
  /** nginx' list of web apps, kept by the agent. */
  readonly upstreams: string;
  readonly agentState: string;
  readonly appCache: string;
}

/** What the files of a box depend on, besides the topology and where things lie. */
interface AnySite {
  readonly topology: Topology;
  /** First three numbers of every address. */
  readonly subnet: string;
  /** Added to every port. */
  readonly portOffset: number;
  /** Port nginx listens on, before the offset: 80 on real boxes, above 1024 where there is no root. */
  readonly webPort: number;
  readonly binaries: { readonly [name in keyof Binaries]: NonNullable<Binaries[name]> };
  readonly secrets: Secrets;
  readonly pathsOf: (box: Box) => BoxPaths;
}

/** What is so where the boxes are processes of one machine, each under a loopback address. */
export interface LabFacts {
  /** What starts, restarts and reloads the programs. */
  readonly supervisor: 'processes';
  /** The folder of the systemd units that provisioning writes. Null: it writes none. */
  readonly unitFiles: null;
  /** The file with the rules of the packet filter. Null: nothing is filtered. */
  readonly firewall: null;
  /** Shared: every program listens on the address of its box only. */
  readonly loopback: 'shared';
}

/** What is so where every box is a machine (or container) of its own. */
export interface BoxesFacts {
  readonly supervisor: 'systemd';
  readonly unitFiles: string;
  readonly firewall: string;
  /** Own: a program may listen on every address, and finds its box's Consul on 127.0.0.1. */
  readonly loopback: 'own';
}

export interface LabSite extends AnySite, LabFacts {
  /** The lab's folder, where its processes are noted. */
  readonly directory: string;
  /** Which addresses the boxes' connections may come from. */
  readonly clientNetwork: string;
  /** The account nginx workers run as, when nginx is started by root. */
  readonly nginxUser: string | undefined;
  /** The name of the account Postgres runs as. */
  readonly accountName: string;
  /** That account; owns the Postgres files. Undefined: the caller. */
  readonly postgresAccount: { readonly uid: number; readonly gid: number } | undefined;
}

/** Made by `boxesSite`. */
export interface BoxesSite extends AnySite, BoxesFacts {
  /** Networks from which SSH, the Consul UI and the agents' HTTP may be reached. */
  readonly managementCidrs: readonly string[];
  /** PEM texts for nginx. */
  readonly tls: { readonly certificate: string; readonly key: string };
}

/** All that the configuration files of a topology depend on. The lab and real boxes differ in these facts and in no other way. */
export type Site = LabSite | BoxesSite;

export const labFacts: LabFacts = {
  supervisor: 'processes',
  unitFiles: null,
  firewall: null,
  loopback: 'shared',
};

export type PortName = keyof typeof ports | 'web';

export function portOf(site: Pick<Site, 'portOffset' | 'webPort'>, name: PortName): number {
  return (name === 'web' ? site.webPort : ports[name]) + site.portOffset;
}

export function addressOf(site: Pick<Site, 'subnet'>, box: Box): string {
  return `${site.subnet}.${box.host}`;
}
