import type { Row } from '../row.js';
import { adoptRows } from './adopt.js';
import { autoFenceRows, autoRows } from './auto.js';
import { fenceRows } from './fence.js';
import { followerRows } from './follower.js';
import { handBackRows } from './hand-back.js';
import { holderRows } from './holder.js';
import { lostRows } from './lost.js';
import { noteRows, policyRows } from './policy.js';
import { promotionRows } from './promotion.js';

/** The whole table: the first row that fits decides, so what interrupts comes first and what always fits last. */
export const table: readonly Row[] = [
  ...policyRows,
  ...fenceRows,
  ...autoFenceRows,
  ...noteRows,
  ...adoptRows,
  ...lostRows,
  ...holderRows,
  ...autoRows,
  ...handBackRows,
  ...promotionRows,
  ...followerRows,
];
