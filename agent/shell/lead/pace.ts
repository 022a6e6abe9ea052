/** How often this member is looked at while nothing goes on, and while something does, in ms. */
export const steadyMs = 1_000;
export const busyMs = 50;
/** An answer of Consul's that is older than what is known is looked into after so long, in ms. */
export const rereadMs = 2_000;
/**
 * So long, in ms, a server that is said to be stopped may go on running before it is treated as one that runs: longer than a hand-over and
 * the last checkpoint, for which systemd waits five minutes.
 */
export const stoppingMs = 330_000;
/** Rows after which there is nothing more to do. */
export const steadyRows: readonly string[] = [
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
