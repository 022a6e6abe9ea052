import { join } from 'node:path';
import { system } from '../site/real-boxes.js';
import { isDnsBox, type Program } from './program.js';
import { reloadOf } from './parts/reload.js';

const unit = 'dnsmasq.service';

/** Names for machines that know nothing of Consul. Where all boxes share a loopback, port 53 is the machine's. */
export const dns: Program = {
  name: 'dns',
  steps: ['dns'],
  order: 30,
  isOn: ({ topology, loopback }, box) => loopback === 'own' && isDnsBox(topology, box),
  unit: () => unit,
  isDriven: true,
  openings: [{ what: 'DNS', port: 53, protocols: ['tcp', 'udp'], on: 'the DNS box', from: ['anywhere'] }],
  agentFiles: ({ paths }, { rendered }) => [
    rendered(join(paths.config, 'dns-hosts.hbs'), 'dns-hosts.hbs.hbs'),
  ],
  keeps: ({ paths }) => ({
    source: `${paths.config}/dns-hosts.hbs`,
    destination: system.dnsHosts,
    format: 'hosts',
    command: reloadOf(unit),
  }),
  files: (_, { rendered, unit: unitFile }) => [
    rendered(system.dnsmasqConf, 'dnsmasq.conf.hbs'),
    rendered(system.dnsHosts, 'dns-hosts.initial.hbs', { owner: 'hotspare', initialOnly: true }),
    ...unitFile(`${unit}.d/hotspare.conf`, 'restart.dropin.conf.hbs'),
  ],
};
