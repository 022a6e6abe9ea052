import { assertNever } from '../../common/assert-never.js';
import { frozenFindings } from './checks/frozen.js';
import { lxcFindings } from './checks/lxc.js';
import { networkFindings } from './checks/network.js';
import { resourceFindings } from './checks/resources.js';
import { settingsFindings } from './checks/settings.js';
import { tlsFindings } from './checks/tls.js';
import { toolFindings } from './checks/tools.js';
import { virtualBoxFindings } from './checks/virtualbox.js';
import type { Finding, HostFacts, Plan } from './model.js';

/**
 * Everything that will or may go wrong with this plan on this host: errors first, each kind in the order in which they
 * are best mended. What could not be found out is never held against the host.
 */
export function preflight(facts: HostFacts, plan: Plan): Finding[] {
  const findings = [
    ...toolFindings(facts, plan),
    ...settingsFindings(plan),
    ...frozenFindings(plan),
    ...providerFindings(facts, plan),
    ...networkFindings(facts, plan),
    ...resourceFindings(facts, plan),
    ...tlsFindings(facts),
  ];
  return [
    ...findings.filter(({ severity }) => severity === 'error'),
    ...findings.filter(({ severity }) => severity === 'warning'),
  ];
}

function providerFindings(facts: HostFacts, plan: Plan): Finding[] {
  switch (plan.provider) {
    case 'virtualbox':
      return virtualBoxFindings(facts, plan);
    case 'lxc':
      return lxcFindings(facts, plan);
    default:
      return assertNever(plan.provider);
  }
}
