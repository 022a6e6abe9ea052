/**
 * Which of these processes wait for a standby to confirm a commit: behind a gate, or because their standby is away. A role sees
 * that of its own processes.
 */
export const waitingSql = (pids: readonly number[]): string =>
  `SELECT pg_catalog.string_agg(a.pid::pg_catalog.text, ' ')
FROM pg_catalog.pg_stat_activity AS a
WHERE a.wait_event OPERATOR(pg_catalog.=) 'SyncRep'
  AND a.pid OPERATOR(pg_catalog.=) ANY ('{${pids.map(Math.trunc).join(',')}}'::pg_catalog.int4[])`;

export const readWaiting = ([pids = null]: readonly (string | null)[]): readonly number[] =>
  pids === null || pids === '' ? [] : pids.split(' ').map(Number);
