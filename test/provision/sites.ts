import { boxesSite } from '../../provision/site/real-boxes.js';
import { filesOf, type BoxFile } from '../../provision/files/files.js';
import { makeSecrets } from '../../provision/site/secrets.js';
import { labFacts, type BoxesSite, type LabSite, type Site } from '../../provision/site/site.js';
import { loadTopology, type Box } from '../../provision/topology/topology.js';

export const templates = 'provision/templates';
export const topology = loadTopology('vagrant/topology.json');

/** The shipped topology as a lab on moved ports. */
export const labSite: LabSite = {
  ...labFacts,
  topology,
  subnet: '10.1.2',
  portOffset: 7,
  clientNetwork: '10.1.2.0/24',
  webPort: 8080,
  binaries: { consul: '/bin/consul', nginx: '/bin/nginx', postgresBin: '/pg/bin', postgresMajor: 15 },
  secrets: makeSecrets(),
  pathsOf: (box) => ({
    config: `/${box.name}/etc`,
    consulData: `/${box.name}/consul`,
    postgresData: `/${box.name}/data`,
    postgresConfig: `/${box.name}/etc/postgres`,
    postgresSettings: `/${box.name}/etc/postgres/hotspare.conf`,
    postgresMainConf: `/${box.name}/etc/postgres/postgresql.conf`,
    postgresSockets: `/${box.name}/run`,
    keeperSettings: `/${box.name}/etc/postgres/keeper.conf`,
    keeperState: `/${box.name}/keeper`,
    keeperSocket: `/${box.name}/run/keeper.sock`,
    nginxConf: `/${box.name}/etc/nginx.conf`,
    nginxState: `/${box.name}/nginx`,
    upstreams: `/${box.name}/nginx/upstreams.conf`,
    agentState: `/${box.name}/agent`,
    appCache: `/${box.name}/cache`,
  }),
  nginxUser: undefined,
  accountName: 'somebody',
  directory: '/lab',
  postgresAccount: undefined,
};

/** … as real boxes. */
export const realSite: BoxesSite = boxesSite({
  topology,
  subnet: '192.168.11',
  secrets: makeSecrets(),
  managementCidrs: ['192.168.11.1/32'],
  tls: { certificate: 'CERTIFICATE\n', key: 'PRIVATE KEY\n' },
});

export function boxOf(site: Site, name: string): Box {
  const found = site.topology.boxes.find((box) => box.name === name);
  if (!found) throw new Error(`the topology has no box ${name}`);
  return found;
}

/** The one file of a box whose path ends so. */
export function fileOf(site: Site, box: string, ending: string): BoxFile {
  const files = filesOf(site, boxOf(site, box), templates);
  const found = files.find(({ path }) => path.endsWith(ending));
  if (!found) throw new Error(`${box} has no ${ending}, only ${files.map(({ path }) => path).join(' ')}`);
  return found;
}
