import { UserError } from '../common/errors.js';
import type { UnitStatus } from '../common/service-manager.js';
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

/** What a fault makes of a state; a state that is not named stays as it is, and the command says so. */
const changes: Record<Fault, { readonly from: readonly UnitStatus['state'][]; readonly done: string }> = {
  stop: { from: ['running', 'frozen', 'failed'], done: 'stopped' },
  start: { from: ['stopped', 'failed', 'frozen'], done: 'started' },
  kill: { from: ['running', 'frozen'], done: 'killed' },
  freeze: { from: ['running'], done: 'frozen' },
  thaw: { from: ['frozen'], done: 'thawed' },
};

/** Does `fault` to every named unit at once. Resolves with a line for each that says what happened. */
export async function inflict(lab: Lab, fault: Fault, name: string): Promise<string[]> {
  const { from, done } = changes[fault];
  return Promise.all(
    unitsNamed(lab, name).map(async (unit) => {
      const { state } = await lab.services.status(unit);
      if (!from.includes(state)) return `${unit} is ${state}: nothing to do`;
      await (fault === 'start' ? startUnit(lab, unit) : lab.services[fault](unit));
      return `${unit} ${done}`;
    }),
  );
}
