import { join } from 'node:path';
import { ports } from '../../common/names.js';
import { portOf, type BoxPaths, type Site } from '../site/site.js';
import type { Program } from './program.js';

const secretFile = ({ supervisor }: Site, { config }: BoxPaths) =>
  supervisor === 'systemd' ? join(config, 'http.secret') : null;

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
    command: node('agent/main.js', '--config', join(paths.config, 'agent.yaml')),
  }),
  folders: ({ agentState }) => [{ path: agentState, mode: 0o700 }],
  values: ({ site, paths }) => ({
    /** Null where no secret admits changes. */
    httpSecretFile: secretFile(site, paths),
  }),
  files: ({ site, paths }, { rendered, secret, unit }) => {
    const file = secretFile(site, paths);
    return [
      rendered(join(paths.config, 'agent.yaml'), 'agent.yaml.hbs'),
      secret(join(paths.config, 'agent.token'), site.secrets.tokens.agent, 'hotspare'),
      ...(file === null ? [] : [secret(file, site.secrets.http, 'hotspare')]),
      ...unit('hotspare-agent.service', 'hotspare-agent.service.hbs'),
    ];
  },
};
