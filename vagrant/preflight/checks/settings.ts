import { note, vagrantDestroy, vagrantUp } from '../mends.js';
import { error, type Finding, type Plan } from '../model.js';

/** Boxes that exist keep what they were made with. */
export function settingsFindings(plan: Plan): Finding[] {
  const existing = plan.boxes.filter(({ exists }) => exists).map(({ name }) => name);
  const before = plan.madeWith;
  if (!before || existing.length === 0) return [];
  const boxes = `${existing.join(', ')} ${existing.length === 1 ? 'exists' : 'exist'}`;
  const stay = 'keeps them as they are';
  const move = 'the data are dumped before and restored after';
  const findings: Finding[] = [];
  if (before.subnet !== plan.subnet)
    findings.push(
      error(
        'settings-changed',
        `the addresses are to be ${plan.subnet}.x, but ${boxes} with ${before.subnet}.x`,
        note(vagrantUp(plan, { HOTSPARE_SUBNET: before.subnet }), stay),
        note(
          `${vagrantDestroy({ HOTSPARE_SUBNET: before.subnet })} && ${vagrantUp(plan, { HOTSPARE_SUBNET: plan.subnet })}`,
          move,
        ),
      ),
    );
  if (before.provider !== plan.provider)
    findings.push(
      error(
        'settings-changed',
        `the provider is to be ${plan.provider}, but ${boxes} under ${before.provider}`,
        note(`vagrant up --provider ${before.provider}`, stay),
        note(`${vagrantDestroy()} && vagrant up --provider ${plan.provider}`, move),
      ),
    );
  if (before.provider === 'lxc' && before.containerPrefix !== plan.containerPrefix)
    findings.push(
      error(
        'settings-changed',
        `container names are to begin with "${plan.containerPrefix}", but ${boxes} with the prefix "${before.containerPrefix}"`,
        note(vagrantUp(plan, { HOTSPARE_LXC_PREFIX: before.containerPrefix }), stay),
        note(
          `${vagrantDestroy({ HOTSPARE_LXC_PREFIX: before.containerPrefix })} && ${vagrantUp(plan, { HOTSPARE_LXC_PREFIX: plan.containerPrefix })}`,
          move,
        ),
      ),
    );
  return findings;
}
