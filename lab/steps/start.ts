import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sleep } from '../../common/clock.js';
import { UserError } from '../../common/errors.js';
import { systemClock } from '../../common/runtime/clock.js';
import { plainLines } from '../../common/text/plain-text.js';
import type { Lab } from '../lab.js';
import { emptyFilesSentence } from './empty-files.js';

/** Starts a unit and makes sure that it did not end at once; otherwise says what it said. */
export async function startUnit(lab: Lab, unit: string): Promise<void> {
  await lab.services.start(unit);
  await sleep(systemClock, 60);
  const { state } = await lab.services.status(unit);
  if (state === 'frozen') throw new UserError(`${unit} is frozen; let it go on with: lab thaw ${unit}`);
  if (state !== 'running')
    throw new UserError(`${unit} ended right after its start. ${lastWords(lab, unit)}`);
}

/** The end of a unit's log, for error messages; and what is empty that should not be. */
export function lastWords(lab: Lab, unit: string): string {
  const file = join(lab.files.logs, `${unit}.log`);
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    // No log was written: then there is nothing to show.
  }
  const lines = plainLines(text.trimEnd()).split('\n').slice(-5);
  return `Its last words (${file}):\n${lines.map((line) => `    ${line}`).join('\n')}${emptyFilesSentence(lab, unit)}`;
}
