import type { Policy } from '../../../common/failover/shapes.js';

/** How often this member is looked at while something goes on, and while nothing does, in ms. */
export const busyMs = 50;
export const steadyMs = 1_000;
/**
 * …where the agents neither promote nor vouch for a standby. What changes in Consul, and what a probe sees (whether this member serves,
 * in which role, whether it receives WAL) wakes them.
 */
const calmMs = 3_000;
/** An answer of Consul's that is older than what is known is looked into after so long, in ms. */
export const rereadMs = 2_000;
/**
 * So long, in ms, a server that is said to be stopped may go on running before it is treated as one that runs: longer than a hand-over and
 * the last checkpoint, for which systemd waits five minutes.
 */
export const stoppingMs = 330_000;
/** Until the next look, in ms. `policy`: in force. */
export function paceMs(
  row: string,
  { promotion, durability }: Pick<Policy, 'promotion' | 'durability'>,
): number {
  if (!steadyRows.includes(row)) return busyMs;
  return promotion === 'manual' && durability === 'async' ? calmMs : steadyMs;
}

/** Rows after which there is nothing more to do. */
const steadyRows: readonly string[] = [
  'holder',
  'degraded',
  'following',
  'observe',
  'paused',
  'stopped',
  'quarantined',
  'stray',
  'rehearsal',
  'rehearsal-lost',
  'rehearsal-down',
];
