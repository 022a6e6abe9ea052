import type { Observer } from './soak.js';

/** One line that changes on a terminal; elsewhere a line for each look at what the app holds. */
export function terminalObserver(output: NodeJS.WriteStream, failovers: number): Observer {
  const live = output.isTTY === true;
  return {
    failover(number, fault) {
      if (live) output.write(`\r\u001b[2K  failover ${number} of ${failovers}: ${fault}`);
    },
    looked({ after, heapMb, sockets, rows }) {
      if (live) output.write('\r\u001b[2K');
      output.write(
        `  after ${String(after).padStart(String(failovers).length)} of ${failovers}: heap ${heapMb.toFixed(1)} MB, ${sockets} sockets, ${rows} rows compared\n`,
      );
    },
  };
}
