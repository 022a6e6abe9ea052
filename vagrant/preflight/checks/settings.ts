import { error, type Finding, type Plan } from '../model.js';

/** Boxes that exist keep what they were made with. */
export function settingsFindings(plan: Plan): Finding[] {
  const existing = plan.boxes.filter(({ exists }) => exists).map(({ name }) => name);
  const before = plan.madeWith;
  if (!before || existing.length === 0) return [];
  const boxes = `${existing.join(', ')} ${existing.length === 1 ? 'exists' : 'exist'}`;
  const again = 'vagrant destroy -f && vagrant up   (the data are dumped before and restored after)';
  const findings: Finding[] = [];
  if (before.subnet !== plan.subnet)
    findings.push(
      error(
        'settings-changed',
        `the addresses are to be ${plan.subnet}.x, but ${boxes} with ${before.subnet}.x`,
        `HOTSPARE_SUBNET=${before.subnet} vagrant up   (keeps them as they are)`,
        `HOTSPARE_SUBNET=${before.subnet} vagrant destroy -f && HOTSPARE_SUBNET=${plan.subnet} vagrant up   (the data are dumped before and restored after)`,
      ),
    );
  if (before.provider !== plan.provider)
    findings.push(
      error(
        'settings-changed',
        `the provider is to be ${plan.provider}, but ${boxes} under ${before.provider}`,
        `vagrant up --provider ${before.provider}   (keeps them as they are)`,
        again.replace('vagrant up', `vagrant up --provider ${plan.provider}`),
      ),
    );
  if (before.provider === 'lxc' && before.containerPrefix !== plan.containerPrefix)
    findings.push(
      error(
        'settings-changed',
        `container names are to begin with "${plan.containerPrefix}", but ${boxes} with the prefix "${before.containerPrefix}"`,
        `HOTSPARE_LXC_PREFIX=${before.containerPrefix} vagrant up   (keeps them as they are)`,
        `HOTSPARE_LXC_PREFIX=${before.containerPrefix} vagrant destroy -f && HOTSPARE_LXC_PREFIX=${plan.containerPrefix} vagrant up   (the data are dumped before and restored after)`,
      ),
    );
  return findings;
}
