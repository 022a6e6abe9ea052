import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../common/errors.js';
import type { Random } from '../../common/random.js';
import { waitFor } from '../support/wait.js';
import type { Boxes, Fault } from './boxes.js';
import type { Options } from './options.js';
import type { Ending, Looked } from './report.js';
import { Crashed, type WorkerProcess } from './worker-process.js';

/** Called as it goes on. */
export interface Observer {
  failover(number: number, fault: Fault): void;
  looked(looked: Looked): void;
}

/**
 * Loses the primary and brings it back, again and again, under the load of the worker. Now and then the load rests:
 * then all rows are compared with what was answered, and heap and sockets are counted.
 */
export async function soak(
  options: Options,
  boxes: Boxes,
  worker: WorkerProcess,
  random: Random,
  observer: Observer,
  stop: AbortSignal,
): Promise<Ending> {
  const { failovers, seed, deadlineMs } = options;
  const done: Record<Fault, number> = { kill: 0, freeze: 0, stop: 0 };
  const looks: Looked[] = [];
  const complaints: string[] = [];
  let crashes = 0;
  let hangs = 0;
  let seen: Ending['seen'];
  let left: Ending['left'];

  const everybody = async (mode: 'read-only' | 'read-write', after: string) => {
    for (const late of await worker.ask('waitForMode', { mode, timeoutMs: 30_000 })) {
      hangs += 1;
      complaints.push(`${after}: not ${mode} within 30 s: ${late}`);
    }
  };
  /** Without one, nothing could serve when the primary is lost the next time. */
  const standby = async (after: string) => {
    await waitFor('the standby to stream', standbyMs, () => boxes.isStandbyStreaming()).catch(
      (error: unknown) => {
        hangs += 1;
        complaints.push(`${after}: ${messageOf(error)}`);
      },
    );
  };
  const look = async (after: number) => {
    const vitals = await worker.ask('rest', null);
    const looked = { after, ...vitals, rows: await worker.ask('compare', null) };
    looks.push(looked);
    observer.looked(looked);
  };

  const order = shuffled(failovers, options.faults, random);
  try {
    await worker.ask('begin', {
      ...boxes.connections(),
      orms: options.orms,
      clientsPerOrm: options.clients,
      pauseMs: options.pauseMs,
      deadlineMs,
      seed,
    });
    for (const [index, fault] of order.entries()) {
      if (stop.aborted) break;
      const number = index + 1;
      observer.failover(number, fault);
      await delay(100 + random() * 500);
      await boxes.inflict(fault);
      await everybody('read-only', `${fault} ${number}`);
      await delay(100 + random() * 500);
      await boxes.recover(fault);
      await everybody('read-write', `recovery from ${fault} ${number}`);
      await standby(`recovery from ${fault} ${number}`);
      done[fault] += 1;
      if (number !== warmUp(failovers) && number % interval(failovers) !== 0) continue;
      await look(number);
      await worker.ask('resume', null);
    }
    await look(done.kill + done.freeze + done.stop);
    const sockets = await worker.ask('close', null);
    seen = await worker.ask('seen', null);
    left = { sockets, sessions: await sessionsLeft(boxes) };
  } catch (error) {
    if (!(error instanceof Crashed)) throw error;
    crashes += 1;
    complaints.push(error.message);
  }
  const endedByItself = await worker.ends(10_000);
  if (!endedByItself) {
    hangs += 1;
    complaints.push('the app did not end by itself within 10 s after everything was closed');
  }
  return { done, looks, crashes, hangs, complaints, seen, left, aborted: stop.aborted };
}

/** A clone of a small database takes a second, once the one before has failed. */
const standbyMs = 60_000;

/** What is loaded and compiled late belongs to no leak: from here on is counted. */
const warmUp = (failovers: number) => Math.max(1, Math.min(20, Math.floor(failovers / 5)));

const interval = (failovers: number) => Math.max(5, Math.floor(failovers / 10));

/** Every kind equally often, in an order of chance. */
function shuffled(count: number, kinds: readonly Fault[], random: Random): Fault[] {
  const all = Array.from({ length: count }, (_, index) => kinds[index % kinds.length]!);
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [all[last], all[other]] = [all[other]!, all[last]!];
  }
  return all;
}

/** The servers notice closed connections by themselves, a moment later. */
async function sessionsLeft(boxes: Boxes): Promise<number> {
  let sessions = 0;
  await waitFor('the servers to have no sessions left', 10_000, async () => {
    sessions = await boxes.sessions();
    return sessions === 0;
  }).catch(() => {});
  return sessions;
}
