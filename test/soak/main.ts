import { CommanderError } from 'commander';
import { lockAddress, tryLock } from '../../common/runtime/lock.js';
import { stopSignal } from '../../common/runtime/run.js';
import { seededRandom } from '../support/random.js';
import { Boxes } from './boxes.js';
import { takeEveryCore } from './busy.js';
import { parseOptions } from './options.js';
import { terminalObserver } from './progress.js';
import { render, reportOf } from './report.js';
import { soak } from './soak.js';
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
  try {
    await boxes.up();
    const startedMs = performance.now();
    const stopBusy = options.busy ? takeEveryCore() : () => {};
    const observer = terminalObserver(process.stderr, options.failovers);
    const worker = WorkerProcess.start();
    const ending = await soak(options, boxes, worker, seededRandom(options.seed), observer, stop).finally(
      () => {
        stopBusy();
        return worker.ends(0);
      },
    );
    const report = reportOf(ending, options, (performance.now() - startedMs) / 1000);
    console.log(options.output === 'json' ? JSON.stringify(report, null, 2) : render(report));
    return report.passed ? 0 : 1;
  } finally {
    await boxes.remove();
    lock.release();
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    if (error instanceof CommanderError) process.exit(error.exitCode);
    console.error(`soak: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  },
);
