import { assertNever } from '../../../common/assert-never.js';
import { nodeMinimum } from '../../../provision/site/programs.js';
import { note } from '../mends.js';
import { error, type Finding, type HostFacts, type Plan } from '../model.js';
import { atLeast } from '../version.js';

/** The first that knows of VirtualBox's limits for host-only networks, and the one vagrant-lxc 1.4.3 was packed against. */
export const minimumVagrant = '2.2.19';

export function toolFindings(facts: HostFacts, plan: Plan): Finding[] {
  const findings: Finding[] = [];
  if (!atLeast(facts.nodeVersion, nodeMinimum))
    findings.push(
      error(
        'node-too-old',
        `Node is ${facts.nodeVersion}; hotspare needs ${nodeMinimum} or newer`,
        'install Node 22 or 24, for example: nvm install 22',
      ),
    );
  const vagrant = facts.vagrant;
  switch (vagrant.state) {
    case 'absent':
      findings.push(error('vagrant-missing', 'there is no vagrant in PATH', installVagrant(facts, plan)));
      break;
    case 'failed':
      findings.push(
        error(
          'vagrant-failed',
          `"vagrant --version" gives no version: ${vagrant.said}`,
          'vagrant --version',
          'install Vagrant again',
        ),
      );
      break;
    case 'found':
      if (!atLeast(vagrant.version, minimumVagrant))
        findings.push(
          error(
            'vagrant-too-old',
            `Vagrant is ${vagrant.version}; the boxes need ${minimumVagrant} or newer`,
            installVagrant(facts, plan),
          ),
        );
      break;
    default:
      return assertNever(vagrant);
  }
  return findings;
}

function installVagrant(facts: HostFacts, plan: Plan): string {
  if (facts.platform !== 'linux')
    return 'install Vagrant from https://developer.hashicorp.com/vagrant/install';
  return plan.provider === 'lxc'
    ? note('sudo apt install vagrant vagrant-lxc', 'Debian 12 or newer')
    : note(
        'sudo apt install vagrant',
        'Debian 12; elsewhere https://developer.hashicorp.com/vagrant/install',
      );
}
