import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../errors.js';
import { record, text } from '../../text/json.js';
import { ServiceManagerError, type ServiceManager } from '../../service-manager.js';
import { writeDurably } from '../files/replace-file.js';
import { ProcessManager } from './manager.js';
import type { ProcessUnit } from './unit.js';

/** Where programs that run as processes are noted: which there are, and which process each is. */
export const processFiles = (folder: string) => ({
  units: join(folder, 'units.json'),
  run: join(folder, 'run'),
});

/** Says in that folder how each unit is run. Only this account may read it: environments stand in it. */
export function writeUnits(folder: string, units: readonly ProcessUnit[]): void {
  const { units: file } = processFiles(folder);
  const content = `${JSON.stringify(units, null, 2)}\n`;
  let before: string | undefined;
  try {
    before = readFileSync(file, 'utf8');
  } catch {
    // It is written, then.
  }
  if (before !== content) writeDurably(file, content);
}

/** Of the units of that folder those with these names; what stands there is read anew at each order. */
export function unitsIn(folder: string, names: readonly string[]): ServiceManager {
  const { units, run } = processFiles(folder);
  return new ProcessManager(() => readUnits(units).filter(({ name }) => names.includes(name)), run);
}

function readUnits(file: string): readonly ProcessUnit[] {
  try {
    const units = JSON.parse(readFileSync(file, 'utf8')) as readonly ProcessUnit[];
    for (const unit of units) {
      const { name, command, environment, logFile, stopSignal } = record(unit);
      for (const value of [name, logFile, stopSignal, ...(command as unknown[])]) text(value);
      record(environment);
    }
    return units;
  } catch (error) {
    throw new ServiceManagerError(
      'unclear',
      `${file} does not say how the programs are run: ${messageOf(error)}; "hotspare lab up" writes it`,
      { cause: error },
    );
  }
}
