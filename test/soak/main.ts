import { CommanderError } from 'commander';
import { messageOf } from '../../common/errors.js';
import { lockAddress, tryLock } from '../../common/runtime/files/lock.js';
import { stopSignal } from '../../common/runtime/run.js';
import { seededRandom } from '../support/random.js';
import { Boxes } from './boxes.js';
import { takeEveryCore } from './busy/busy.js';
import { parseOptions } from './options.js';
import { switchoverObserver, terminalObserver } from './progress.js';
import { render, reportOf } from './report.js';
import { soak } from './soak.js';
import { renderSwitchovers, switchoverReport } from './switchovers/report.js';
import { soakSwitchovers } from './switchovers/soak.js';
import { WorkerProcess } from './worker-process.js';

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2), Math.floor(Math.random() * 2 ** 31));
  const stop = stopSignal();
  const boxes = new Boxes(options.portOffset);
  const lock = await tryLock(
    lockAddress('hotspare-soak', boxes.directory),
    `a soak test is at work (pid ${process.pid})`,
  );
  if (lock.state === 'held')
    throw new Error(`${lock.says ?? 'another soak test is at work'}: wait until it has ended`);
  let keep = true;
  try {
    await boxes.up();
    const startedMs = performance.now();
    const stopBusy = options.busy ? takeEveryCore() : () => {};
    const worker = WorkerProcess.start();
    const random = seededRandom(options.seed);
    const seconds = () => (performance.now() - startedMs) / 1000;
    const { switchovers, failovers, output } = options;
    const lost = async () => {
      const observer = terminalObserver(process.stderr, failovers);
      const ending = await soak(options, boxes, worker, random, observer, stop);
      return printed(reportOf(ending, options, seconds()), render);
    };
    const moved = async (switchovers: number) => {
      const asked = { ...options, switchovers };
      const observer = switchoverObserver(process.stderr, switchovers);
      const ending = await soakSwitchovers(asked, boxes, worker, random, observer, stop);
      return printed(switchoverReport(ending, asked, seconds()), renderSwitchovers);
    };
    try {
      const { passed, json, text } = switchovers === undefined ? await lost() : await moved(switchovers);
      console.log(output === 'json' ? json : text);
      keep = !passed && !stop.aborted;
      return passed ? 0 : 1;
    } finally {
      stopBusy();
      await worker.ends(0);
    }
  } finally {
    if (keep) {
      await boxes.down().catch((error: unknown) => console.error(`soak: ${messageOf(error)}`));
      console.error(
        `soak: the boxes are stopped; their data and logs stay in ${boxes.directory} until the next soak`,
      );
    } else await boxes.remove();
    lock.release();
  }
}

const printed = <T extends { readonly passed: boolean }>(report: T, render: (report: T) => string) => ({
  passed: report.passed,
  json: JSON.stringify(report, null, 2),
  text: render(report),
});

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    if (error instanceof CommanderError) process.exit(error.exitCode);
    console.error(`soak: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  },
);
