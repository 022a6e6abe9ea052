import { createInterface } from 'node:readline/promises';
import type { Io } from './io.js';

/** Asks a yes-or-no question on the terminal; anything but y or yes is no. */
export async function confirm(io: Io, question: string): Promise<boolean> {
  const reader = createInterface({ input: process.stdin, output: io.stderr });
  try {
    const answer = await reader.question(`${question} [y/N] `, { signal: io.stop });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    reader.close();
  }
}
