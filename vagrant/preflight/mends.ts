import type { HostFacts, Plan } from './model.js';

/** A command a shell takes as it stands, with a word on it. */
export const note = (command: string, remark: string) => `${command}   # ${remark}`;

type Wish = 'HOTSPARE_SUBNET' | 'HOTSPARE_LXC_PREFIX' | 'HOTSPARE_LXC_BRIDGE';

export function vagrantUp(
  { provider }: Pick<Plan, 'provider'>,
  wishes: Partial<Record<Wish, string>> = {},
): string {
  return [...assignments(wishes), 'vagrant up', ...(provider === 'lxc' ? ['--provider lxc'] : [])].join(' ');
}

export function vagrantDestroy(wishes: Partial<Record<Wish, string>> = {}): string {
  return [...assignments(wishes), 'vagrant destroy -f'].join(' ');
}

const assignments = (wishes: Partial<Record<Wish, string>>) =>
  Object.entries(wishes).map(([name, value]) => `${name}=${value}`);

/** With all that it is told: its own defaults are those of the topology that is shipped, not of another one. */
export function lxcBridge(
  action: 'up' | 'down',
  { bridge, subnet }: Pick<Plan, 'bridge' | 'subnet'>,
): string {
  const options = [`--bridge ${bridge}`, ...(action === 'down' ? [] : [`--subnet ${subnet}`])];
  return ['sudo vagrant/lxc-bridge', action, ...options].join(' ');
}

/** Moves the boxes to another subnet; with LXC its bridge has to move first. */
export function takeSubnet(facts: HostFacts, plan: Plan, subnet: string): string {
  const up = note(vagrantUp(plan, { HOTSPARE_SUBNET: subnet }), 'remembered for the next time');
  if (plan.provider !== 'lxc') return up;
  const bridge = lxcBridge('up', { ...plan, subnet });
  return facts.lxc.bridge.state === 'absent'
    ? `${bridge} && ${up}`
    : `${lxcBridge('down', plan)} && ${bridge} && ${up}`;
}
