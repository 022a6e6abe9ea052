import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { removeDurably } from '../common/runtime/files/durable.js';
import type { Box } from './box.js';

/** What a keeper that was killed may have left half done. */
export function removeLeftovers(box: Box): void {
  const trigger = join(box.dataDir, 'promote');
  if (existsSync(trigger)) {
    box.log.warn('an order to promote was cut off; it is taken back');
    removeDurably(trigger);
  }
  const { gate } = box.state;
  if (
    gate?.kind === 'open' &&
    gate.proven &&
    box.settings.read().synchronous_standby_names !== gate.standbys
  ) {
    box.log.warn('an order to close the gate was cut off; whether it is open is not known');
    box.state.gate = { ...gate, proven: false, settled: false };
  }
}
