import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../../../common/random.js';
import { messageOf } from '../../../common/errors.js';
import { members, type Boxes } from '../boxes.js';
import type { Asked } from '../messages.js';
import type { Options } from '../options.js';
import { Crashed, type WorkerProcess } from '../worker-process.js';
import { durationsOf, stepsIn, type Pause } from './steps.js';

/** What an app sets that writes through a switchover without an error, in ms. */
export const writeWaitMs = 2_000;

export interface Moved {
  readonly done: number;
  /** Of each switchover: the longest time without an acknowledged write, and how long each step took, in ms. */
  readonly pausesMs: readonly number[];
  readonly stepsMs: readonly Readonly<Record<string, number>>[];
  readonly commandsMs: readonly number[];
  readonly rowsCompared: number;
  readonly hangs: number;
  readonly crashes: number;
  readonly complaints: readonly string[];
  /** Missing after a crash. */
  readonly seen: Asked['seen']['answer'] | undefined;
  readonly tallied: Asked['tally']['answer'] | undefined;
  readonly aborted: boolean;
}

export interface Observer {
  switchover(number: number, to: string): void;
  switched(number: number, pauseMs: number, stepsMs: Readonly<Record<string, number>>): void;
}

/** Moves the primary to and fro by the operator's command, under the load of the worker; at the end, all rows are compared. */
export async function soakSwitchovers(
  options: Options & { readonly switchovers: number },
  boxes: Boxes,
  worker: WorkerProcess,
  random: Random,
  observer: Observer,
  stop: AbortSignal,
): Promise<Moved> {
  const pausesMs: number[] = [];
  const stepsMs: Record<string, number>[] = [];
  const commandsMs: number[] = [];
  const complaints: string[] = [];
  let hangs = 0;
  let crashes = 0;
  let rowsCompared = 0;
  let seen: Moved['seen'];
  let tallied: Moved['tallied'];
  const logs = boxes.agentLogs();
  const stepsSince = (sinceMs: number, pause: Pause) =>
    durationsOf(
      logs.flatMap(({ member, file }) => stepsIn(readFileSync(file, 'utf8'), member, sinceMs)),
      pause,
    );
  try {
    await worker.ask('begin', {
      ...boxes.connections(),
      orms: options.orms,
      clientsPerOrm: options.clients,
      pauseMs: options.pauseMs,
      deadlineMs: options.deadlineMs,
      seed: options.seed,
      writeWaitMs,
    });
    for (let done = 0; done < options.switchovers && !stop.aborted; done += 1) {
      const to = members[(done + 1) % 2]!;
      observer.switchover(done + 1, to);
      await delay(500 + random() * 500);
      await worker.ask('pause', null);
      const sinceMs = Date.now();
      const { tookMs } = await boxes.switchover(to);
      for (const late of await worker.ask('waitForMode', { mode: 'read-write', timeoutMs: 30_000 })) {
        hangs += 1;
        complaints.push(`switchover ${done + 1}: not read-write within 30 s: ${late}`);
      }
      await delay(200);
      const pause = await worker.ask('pause', null);
      pausesMs.push(pause.toMs - pause.fromMs);
      stepsMs.push(stepsSince(sinceMs, pause));
      commandsMs.push(tookMs);
      observer.switched(done + 1, pausesMs.at(-1)!, stepsMs.at(-1)!);
      if ((done + 1) % 10 !== 0) continue;
      await worker.ask('rest', null);
      rowsCompared += await worker.ask('compare', null);
      await worker.ask('resume', null);
    }
    await worker.ask('rest', null);
    rowsCompared += await worker.ask('compare', null);
    tallied = await worker.ask('tally', null);
    await worker.ask('close', null);
    seen = await worker.ask('seen', null);
  } catch (error) {
    if (!(error instanceof Crashed)) {
      // Ctrl-C reaches the command as well.
      if (!stop.aborted) complaints.push(messageOf(error));
      seen ??= await worker.ask('seen', null).catch(() => undefined);
    } else {
      crashes += 1;
      complaints.push(error.message);
    }
  }
  return {
    done: pausesMs.length,
    ...{ pausesMs, stepsMs, commandsMs, rowsCompared, hangs, crashes, complaints, seen, tallied },
    aborted: stop.aborted,
  };
}
