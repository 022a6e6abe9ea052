import { UserError } from '../common/errors.js';
import type { Lab } from './lab.js';
import { startUnit } from './steps/start.js';
import { instancesOf } from './units.js';

export const faults = {
  stop: 'Stop a program in good order',
  start: 'Start a program',
  kill: 'Kill a program (SIGKILL), as a crash would',
  freeze: 'Freeze all processes of a program (SIGSTOP), as a hung box would',
  thaw: 'Let a frozen program go on',
} as const;
export type Fault = keyof typeof faults;

/** The units that `SERVICE@BOX` names; the box may be `all`. Throws a UserError that lists what there is. */
export function unitsNamed(lab: Lab, name: string): string[] {
  const [program, box, ...rest] = name.split('@');
  const instances = instancesOf(lab.site);
  const found = instances.filter(
    (instance) =>
      instance.program === program && (box === 'all' || instance.box.name === box) && rest.length === 0,
  );
  if (found.length > 0) return found.map(({ unit }) => unit);
  throw new UserError(
    `there is no ${JSON.stringify(name)}; expected SERVICE@BOX (or SERVICE@all), one of:\n  ${instances.map(({ unit }) => unit).join(' ')}`,
    { exitCode: 2 },
  );
}

/** Does `fault` to every named unit at once. */
export async function inflict(lab: Lab, fault: Fault, name: string): Promise<void> {
  await Promise.all(
    unitsNamed(lab, name).map((unit) =>
      fault === 'start' ? startUnit(lab, unit) : lab.services[fault](unit),
    ),
  );
}
