import type { Observer } from './soak.js';
import type { Observer as SwitchoverObserver } from './switchovers/soak.js';

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

/** The same of switchovers: a line for each. */
export function switchoverObserver(output: NodeJS.WriteStream, switchovers: number): SwitchoverObserver {
  const live = output.isTTY === true;
  const of = (number: number) => `${String(number).padStart(String(switchovers).length)} of ${switchovers}`;
  return {
    switchover(number, to) {
      if (live) output.write(`  switchover ${of(number)}: to ${to}`);
    },
    switched(number, pauseMs, stepsMs) {
      if (live) output.write('\r\u001b[2K');
      const steps = Object.entries(stepsMs).map(([row, ms]) => `${row} ${ms}`);
      output.write(`  switchover ${of(number)}: writes paused for ${pauseMs} ms (${steps.join(', ')})\n`);
    },
  };
}
