import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import type { Box } from '../box.js';

/** States of /proc/net/tcp in which the other side is still there. */
const connected = '01';

/**
 * G3: a commit that waits behind the gate does not notice that its client has gone, and keeps its locks and its slot for ever.
 * Terminating it acknowledges nothing. Clients over TCP only: of a Unix socket the kernel tells nobody.
 */
export async function endAbandonedWaiters(box: Box): Promise<number> {
  const waiters = await box.reserved.query<{ pid: number; started: string }>(
    `SELECT pid, backend_start::text AS started FROM pg_stat_activity
     WHERE wait_event = 'SyncRep' AND client_port > 0 AND query_start < clock_timestamp() - interval '500 ms'`,
  );
  const gone = waiters.filter(({ pid }) => clientHasGone(pid));
  for (const { pid, started } of gone)
    await box.reserved.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE pid = $1 AND backend_start = $2::timestamptz AND wait_event = 'SyncRep'`,
      [pid, started],
    );
  return gone.length;
}

/** None of the process's TCP sockets is still connected. Unknown is not gone. */
function clientHasGone(pid: number): boolean {
  try {
    const inodes = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return [];
      }
    });
    const states = new Map(
      ['tcp', 'tcp6'].flatMap((table) =>
        readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
          .split('\n')
          .slice(1)
          .map((line) => line.trim().split(/\s+/))
          .filter((fields) => fields.length > 9)
          .map((fields) => [fields[9]!, fields[3]!] as const),
      ),
    );
    return inodes.length > 0 && !inodes.some((inode) => states.get(inode) === connected);
  } catch {
    return false;
  }
}
