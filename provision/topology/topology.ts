import { readFileSync } from 'node:fs';
import { ConfigError, messageOf } from '../../common/errors.js';
import { parseTopology } from './parse.js';
import type { Topology } from './model.js';

export * from './model.js';
export { parseTopology };

/** Reads and checks a topology. Throws ConfigError. */
export function loadTopology(file: string): Topology {
  let data: unknown;
  try {
    data = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ConfigError(file, 'the file', messageOf(error), 'readable JSON');
  }
  return parseTopology(file, data);
}
