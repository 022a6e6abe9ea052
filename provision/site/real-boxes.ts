import type { BoxPaths, BoxesFacts, BoxesSite } from './site.js';
import type { Box } from '../topology/model.js';
import {
  nodeFolder,
  packageFolder,
  postgresDataFolder,
  postgresMajor,
  postgresSettingsFolder,
} from './programs.js';

export const postgresConfigFolder = `${postgresSettingsFolder}/${postgresMajor}/main`;

const paths: BoxPaths = {
  config: '/etc/hotspare',
  consulData: '/var/lib/consul',
  postgresData: `${postgresDataFolder}/${postgresMajor}/main`,
  postgresConfig: postgresConfigFolder,
  postgresMainConf: `${postgresConfigFolder}/postgresql.conf`,
  postgresSockets: '/run/postgresql',
  postgresSettings: `${postgresConfigFolder}/conf.d/hotspare.conf`,
  keeperSettings: `${postgresConfigFolder}/hotspare.conf`,
  keeperState: '/var/lib/hotspare-keeper',
  keeperSocket: '/run/hotspare-keeper/keeper.sock',
  nginxConf: '/etc/nginx/nginx.conf',
  nginxState: '/var/lib/nginx',
  upstreams: '/var/lib/hotspare/nginx/upstreams.conf',
  agentState: '/var/lib/hotspare',
  appCache: '/var/cache/todomvc',
};

/** Where the rest lies on a real box. */
export const system = {
  package: packageFolder,
  node: `${nodeFolder}/bin/node`,
  systemctl: '/usr/bin/systemctl',
  polkitRules: '/etc/polkit-1/rules.d/50-hotspare.rules',
  dnsmasqConf: '/etc/dnsmasq.d/hotspare.conf',
  dnsHosts: '/var/lib/hotspare/dns/hosts',
  postgresFolders: `${postgresDataFolder} ${postgresSettingsFolder}`,
  nginxPid: '/run/nginx.pid',
  tlsCertificate: '/etc/nginx/tls/cert.pem',
  tlsKey: '/etc/nginx/tls/key.pem',
  webTlsPort: 443,
} as const;

export const boxesFacts: BoxesFacts = {
  supervisor: 'systemd',
  unitFiles: '/etc/systemd/system',
  firewall: '/etc/nftables.conf',
  loopback: 'own',
};

export type BoxesSettings = Pick<BoxesSite, 'topology' | 'subnet' | 'secrets' | 'managementCidrs' | 'tls'>;

/** The site of real boxes: Debian 12, systemd, standard ports, the paths of its packages. */
export function boxesSite(settings: BoxesSettings): BoxesSite {
  return {
    ...settings,
    ...boxesFacts,
    portOffset: 0,
    webPort: 80,
    binaries: {
      consul: '/usr/bin/consul',
      nginx: '/usr/sbin/nginx',
      postgresBin: `/usr/lib/postgresql/${postgresMajor}/bin`,
      postgresMajor,
    },
    pathsOf: (_: Box) => paths,
  };
}
