import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { removeDurably } from '../common/runtime/durable.js';
import type { Box } from './box.js';

/** What a keeper that was killed may have left: an order to promote that nobody waits for any more. */
export function removeLeftovers(box: Box): void {
  const trigger = join(box.dataDir, 'promote');
  if (!existsSync(trigger)) return;
  box.log.warn('an order to promote was cut off; it is taken back');
  removeDurably(trigger);
}
