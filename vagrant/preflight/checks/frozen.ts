import { error, type Finding, type Plan } from '../model.js';

/** Vagrant takes a paused box for one that runs, and then waits in vain for its answer. */
export function frozenFindings({ boxes, provider, containerPrefix }: Plan): Finding[] {
  return boxes
    .filter(({ frozen }) => frozen)
    .map(({ name }) =>
      error(
        'box-frozen',
        `${name} is frozen`,
        provider === 'lxc' ? `sudo lxc-unfreeze -n ${containerPrefix}${name}` : `vagrant resume ${name}`,
      ),
    );
}
