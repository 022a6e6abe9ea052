import { createHash } from 'node:crypto';
import { firewallOf } from '../services/firewall.js';
import { accessOf } from '../postgres/access.js';
import { system } from '../site/real-boxes.js';
import { addressOf, portOf, type BoxesSite, type LabSite, type Site } from '../site/site.js';
import { boxesWith, consulServersOf, serviceNames, type Box, type Topology } from '../topology/topology.js';
import { drivenUnits, isDnsBox, unitNames } from '../services/units.js';

/** What every template may use. */
export function contextOf(site: Site, box: Box) {
  const { topology } = site;
  const member = (other: Box) => ({ name: other.name, address: addressOf(site, other) });
  const primary = firstPrimaryOf(topology);
  return {
    box: { name: box.name, address: addressOf(site, box), isConsulServer: box.consul === 'server' },
    has: {
      ...Object.fromEntries(serviceNames.map((name) => [name, box.services.includes(name)])),
      templates: box.services.includes('nginx') || (site.kind === 'boxes' && isDnsBox(topology, box)),
    },
    port: {
      consulServer: portOf(site, 'consulServer'),
      consulSerf: portOf(site, 'consulSerf'),
      consulHttp: portOf(site, 'consulHttp'),
      consulDns: portOf(site, 'consulDns'),
      postgres: portOf(site, 'postgres'),
      agentHttp: portOf(site, 'agentHttp'),
      todomvc: portOf(site, 'todomvc'),
      web: portOf(site, 'web'),
    },
    path: site.pathsOf(box),
    secret: site.secrets,
    access: accessOf(site).map((rule) => ({ ...rule, columns: columnsOf(rule) })),
    locations: topology.locations.map(({ path, service, balance }) => ({
      path,
      upstream: `${service}-${balance}`,
    })),
    consulServers: consulServersOf(topology).map(member),
    replicas: boxesWith(topology, 'pg')
      .filter((other) => other !== primary)
      .map(member),
    /** Names of pg boxes there are or were: what a slot of a box that is gone looks like. */
    pgGroups: topology.groups.filter(({ services }) => services.includes('pg')).map(({ name }) => name),
    primary: member(primary),
    dns: topology.dns,
    ...(site.kind === 'lab' ? labFacts(site, box) : boxFacts(site, box)),
  };
}

export function firstPrimaryOf(topology: Topology): Box {
  const found = boxesWith(topology, 'pg').find(({ name }) => name === topology.postgres.firstPrimary);
  if (!found) throw new Error('a topology was not checked: its first primary is no box');
  return found;
}

/** A word for a slot: it knows no hyphens. */
export function slotName(box: string): string {
  return box.replaceAll('-', '_');
}

/** What differs between the two ways of running boxes, as plain facts. */
interface Facts {
  /** Fixed, so that a box made anew is the same node. Null: Consul makes one up and keeps it. */
  readonly nodeId: string | null;
  readonly consulClientAddress: string;
  /** Under which the box's own programs reach its Consul. */
  readonly consulHost: string;
  readonly nginx: {
    readonly user: string | null;
    readonly pid: string;
    readonly isForeground: boolean;
    readonly listen: string;
    readonly tls: { readonly port: number; readonly certificate: string; readonly key: string } | null;
  };
  readonly postgres: {
    readonly listen: string;
    /** Null: where the distribution has it. */
    readonly socketFolder: string | null;
    readonly hbaFile: string | null;
    readonly logDestination: 'stderr' | 'syslog';
  };
  readonly reload: { readonly nginx: readonly string[]; readonly dns: readonly string[] };
  /** Null where no secret admits changes. */
  readonly httpSecretFile: string | null;
  readonly unit: Readonly<Record<string, string>> | null;
  readonly drivenUnits: readonly string[];
  readonly system: typeof system | null;
  readonly dnsHosts: string | null;
  readonly firewall: readonly { readonly what: string; readonly match: string }[];
}

function labFacts(site: LabSite, box: Box): Facts {
  const address = addressOf(site, box);
  const { nginxConf, nginxState, postgresConfig } = site.pathsOf(box);
  return {
    nodeId: null,
    consulClientAddress: address,
    consulHost: address,
    nginx: {
      user: site.nginxUser ?? null,
      pid: `${nginxState}/nginx.pid`,
      isForeground: true,
      listen: `${address}:${portOf(site, 'web')}`,
      tls: null,
    },
    postgres: {
      listen: address,
      socketFolder: '',
      hbaFile: `${postgresConfig}/pg_hba.conf`,
      logDestination: 'stderr',
    },
    reload: { nginx: [site.binaries.nginx, '-p', nginxState, '-c', nginxConf, '-s', 'reload'], dns: [] },
    httpSecretFile: null,
    unit: null,
    drivenUnits: [],
    system: null,
    dnsHosts: null,
    firewall: [],
  };
}

function boxFacts(site: BoxesSite, box: Box): Facts {
  const unit = unitNames(site);
  // A program that an operator stopped is left alone, and reads the file when it is started.
  const reload = (name: string) => [system.systemctl, '--no-ask-password', 'try-reload-or-restart', name];
  return {
    nodeId: nodeIdOf(site, box),
    consulClientAddress: `${addressOf(site, box)} 127.0.0.1`,
    consulHost: '127.0.0.1',
    nginx: {
      user: 'www-data',
      pid: system.nginxPid,
      isForeground: false,
      listen: String(site.webPort),
      tls: { port: system.webTlsPort, certificate: system.tlsCertificate, key: system.tlsKey },
    },
    // systemd's journal, which bounds what it keeps.
    postgres: { listen: '*', socketFolder: null, hbaFile: null, logDestination: 'syslog' },
    reload: { nginx: reload(unit.nginx), dns: reload(unit.dns) },
    httpSecretFile: `${site.pathsOf(box).config}/http.secret`,
    unit,
    drivenUnits: drivenUnits(site, box),
    system,
    dnsHosts: isDnsBox(site.topology, box) ? system.dnsHosts : null,
    firewall: firewallOf(site, box).map(({ what, port, protocol, from }) => ({
      what,
      match: `${from === undefined ? '' : `ip saddr { ${from.join(', ')} } `}${protocol} dport ${port}`,
    })),
  };
}

/** Told by no one who does not know the topology's secrets, and the same whenever the box is made anew. */
function nodeIdOf(site: BoxesSite, box: Box): string {
  const hex = createHash('sha256').update(`node:${site.secrets.gossipKey}:${box.name}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}

function columnsOf(rule: { type: string; database: string; user: string; address: string }): string {
  const { type, database, user, address } = rule;
  return `${type.padEnd(7)} ${database.padEnd(12)} ${user.padEnd(21)} ${address.padEnd(20)}`;
}
