import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { ports } from '../../common/names.js';
import { portOf, type Site } from '../site/site.js';
import type { Box } from '../topology/model.js';
import type { Program } from './program.js';

export const consul: Program = {
  name: 'consul',
  steps: ['consul'],
  order: 10,
  isOn: () => true,
  accounts: ['consul'],
  unit: () => 'consul.service',
  port: (site) => portOf(site, 'consulHttp'),
  alsoListens: (site) => [
    { protocol: 'tcp', port: portOf(site, 'consulServer') },
    { protocol: 'tcp', port: portOf(site, 'consulSerf') },
    { protocol: 'udp', port: portOf(site, 'consulSerf') },
    { protocol: 'tcp', port: portOf(site, 'consulDns') },
    { protocol: 'udp', port: portOf(site, 'consulDns') },
  ],
  openings: [
    {
      what: 'Consul UI and API',
      port: ports.consulHttp,
      protocols: ['tcp'],
      on: 'the DNS box',
      from: ['management'],
    },
    {
      what: 'Consul gossip',
      port: ports.consulSerf,
      protocols: ['tcp', 'udp'],
      on: 'all boxes',
      from: ['all boxes'],
    },
    {
      what: 'Consul RPC',
      port: ports.consulServer,
      protocols: ['tcp'],
      on: 'Consul servers',
      from: ['all boxes'],
    },
  ],
  process: ({ site, paths }) => ({
    command: [site.binaries.consul, 'agent', `-config-file=${join(paths.config, 'consul.json')}`],
    environment: { GOMAXPROCS: '2' },
  }),
  folders: ({ consulData }) => [{ path: consulData, mode: 0o700 }],
  values: ({ site, box, address }) => ({
    /** Fixed, so that a box made anew is the same node. Null: Consul makes one up and keeps it. */
    nodeId: site.loopback === 'own' ? nodeIdOf(site, box) : null,
    consulClientAddress: site.loopback === 'own' ? `${address} 127.0.0.1` : address,
  }),
  files: ({ paths }, { rendered, unit }) => [
    rendered(join(paths.config, 'consul.json'), 'consul.json.hbs', { mode: 0o600, owner: 'consul' }),
    ...unit('consul.service', 'consul.service.hbs'),
  ],
};

/** Told by no one who does not know the topology's secrets, and the same whenever the box is made anew. */
function nodeIdOf(site: Site, box: Box): string {
  const hex = createHash('sha256').update(`node:${site.secrets.gossipKey}:${box.name}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}
