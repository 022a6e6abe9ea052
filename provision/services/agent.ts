import { join } from 'node:path';
import { ports } from '../../common/names.js';
import { portOf } from '../site/site.js';
import { keeper, keeperGroup } from './keeper.js';
import { consulTokenOf } from './parts/roles.js';
import { inSmallHeap, smallHeap, type Program } from './program.js';

export const agent: Program = {
  name: 'agent',
  steps: ['agent'],
  order: 30,
  isOn: () => true,
  accounts: ['hotspare'],
  unit: () => 'hotspare-agent.service',
  plainStep: { verb: 'restart', isOurs: true },
  port: (site) => portOf(site, 'agentHttp'),
  openings: [
    {
      what: "agent's HTTP",
      port: ports.agentHttp,
      protocols: ['tcp'],
      on: 'all boxes',
      // The host asks the spare's whether it streams, which Consul does not know.
      from: ['all boxes', 'management'],
    },
  ],
  process: ({ paths }, node) => ({
    command: inSmallHeap(node('agent/main.js', '--config', join(paths.config, 'agent.yaml'))),
  }),
  folders: ({ agentState }) => [{ path: agentState, mode: 0o700 }],
  values: ({ site, box }) => ({
    /** Null where there is no keeper. */
    keeperGroup: keeper.isOn(site, box) ? keeperGroup : null,
    /** Null where systemd runs the programs. */
    labDirectory: site.supervisor === 'processes' ? site.directory : null,
    smallHeap,
  }),
  files: ({ site, box, paths }, { rendered, secret, unit }) => [
    rendered(join(paths.config, 'agent.yaml'), 'agent.yaml.hbs'),
    secret(join(paths.config, 'agent.token'), consulTokenOf(site.secrets, box), 'hotspare'),
    secret(join(paths.config, 'http.secret'), site.secrets.http, 'hotspare'),
    ...unit('hotspare-agent.service', 'hotspare-agent.service.hbs'),
  ],
};
