import { system } from '../site/real-boxes.js';
import type { Program } from './program.js';

/** What every real box has: accounts, the firewall, the rule that lets the agent drive its units, Node and hotspare. */
export const common: Program = {
  name: 'common',
  steps: ['common', 'node', 'hotspare'],
  order: 0,
  isOn: ({ supervisor }) => supervisor === 'systemd',
  openings: [{ what: 'SSH', port: 22, protocols: ['tcp'], on: 'all boxes', from: ['management'] }],
  files: ({ site }, { rendered }) =>
    site.firewall === null
      ? []
      : [
          rendered(site.firewall, 'nftables.conf.hbs', { mode: 0o755 }),
          rendered(system.polkitRules, 'polkit.rules.hbs'),
        ],
};
