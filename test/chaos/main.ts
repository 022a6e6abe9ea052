import { CommanderError } from 'commander';
import { stopSignal } from '../../common/runtime/run.js';
import { endTurn, removeLeftOver, takeTurn } from '../boxes/support/left-over.js';
import { whyNoBoxes } from '../boxes/support/why-not.js';
import { seededRandom } from '../support/random.js';
import { begin, numbersOnPrimary } from './boxes.js';
import { Ledger } from './evidence.js';
import { Observer } from './observer.js';
import { parseOptions, type Options } from './options.js';
import { planOf } from './plan.js';
import { lineOf, render, reportOf, type Done, type Ending } from './report.js';
import { keepEvidence, runRound } from './run.js';
import { Writers } from './writers.js';

const say = (text: string) => console.error(text);
/** For whoever works on this: the boxes stay, and the next run uses them as they are. */
const keep = process.env['HOTSPARE_TEST_KEEP'] === '1';

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2), Math.floor(Math.random() * 2 ** 31));
  const why = whyNoBoxes();
  if (why !== undefined) throw new Error(`the boxes cannot be made here: ${why}`);
  const stop = stopSignal();
  await takeTurn();
  try {
    if (!keep) removeLeftOver();
    say(`seed ${options.seed}`);
    await begin(say);
    const report = reportOf(await faulty(options, stop), options.seed);
    console.log(options.output === 'json' ? JSON.stringify(report, null, 2) : render(report));
    return report.passed ? 0 : report.safe ? 3 : 1;
  } catch (error) {
    // Told before the boxes are removed, which takes its time.
    say(`chaos: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  } finally {
    if (!keep) removeLeftOver();
    endTurn();
  }
}

async function faulty({ faults, seed, only, minutes }: Options, stop: AbortSignal): Promise<Ending> {
  const ledger = new Ledger();
  const [writers, observer] = [new Writers(ledger), new Observer(ledger)];
  writers.start();
  observer.start();
  const startedMs = performance.now();
  const endMs = startedMs + minutes * 60_000;
  const rounds: Done[] = [];
  const complaints: string[] = [];
  for (const [index, round] of planOf(faults, seededRandom(seed), only).entries()) {
    if (stop.aborted || performance.now() > endMs) break;
    const done = await runRound(round, ledger);
    rounds.push(done);
    say(`${index + 1}. ${lineOf(done, ledger.acknowledged)}`);
    const folder = await keepEvidence(index, done, ledger);
    if (folder !== undefined) say(`   logs in ${folder}`);
  }
  await Promise.all([writers.stop(), observer.stop()]);
  const there = await numbersOnPrimary(0).catch((error: unknown) => {
    complaints.push(`no member is the primary at the end: ${String(error)}`);
    return undefined;
  });
  const { lost, unexpected } = there ? ledger.compare(there) : { lost: [], unexpected: [] };
  complaints.push(...writers.complaints);
  const seconds = (performance.now() - startedMs) / 1000;
  return { rounds, acknowledged: ledger.acknowledged, lost, unexpected, complaints, seconds };
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    if (error instanceof CommanderError) process.exit(error.exitCode);
    console.error(`chaos: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  },
);
