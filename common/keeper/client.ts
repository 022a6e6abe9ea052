import { createConnection } from 'node:net';
import type { Clock } from '../clock.js';
import { codeOf, messageOf } from '../errors.js';
import { networkTroubleOf, networkWords } from '../network-error.js';
import {
  deadlinesMs,
  finalLine,
  progressLine,
  results,
  type Answer,
  type RequestOf,
  type ResultOf,
  type Verb,
} from './protocol.js';

/** The keeper has its own deadline; this much later it counts as silent, in ms. */
const graceMs = 1_000;

export interface CallOptions {
  /** Path of the keeper's socket. */
  readonly socket: string;
  readonly clock: Clock;
  readonly onProgress?: (text: string) => void;
  /** Ends the waiting, not the work: a keeper finishes what it has begun. */
  readonly signal?: AbortSignal;
}

/**
 * One order to a keeper. Never rejects: `failed` when the order was not sent (no keeper, no right to ask it), `unconfirmed` when it
 * was sent and no answer came.
 */
export function callKeeper<V extends Verb>(request: RequestOf<V>, options: CallOptions): Promise<Answer<V>> {
  const { socket: path, clock, signal } = options;
  const waitMs = (request.deadlineMs ?? deadlinesMs[request.verb]) + graceMs;
  return new Promise((resolve) => {
    const socket = createConnection({ path });
    let sent = false;
    const end = (answer: Answer<V>) => {
      timer.cancel();
      signal?.removeEventListener('abort', onAbort);
      socket.destroy();
      resolve(answer);
    };
    const broken = (why: string, code?: string) =>
      end(
        sent
          ? {
              outcome: 'unconfirmed',
              sentence: `the keeper at ${path} got the order and did not answer: ${why}`,
            }
          : { outcome: 'failed', sentence: unreachable(path, why, code) },
      );
    const onAbort = () => broken('the wait was given up');
    const timer = clock.after(waitMs, () => broken(`no answer within ${waitMs} ms`));
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) return onAbort();
    socket.on('error', (error) =>
      broken(networkWords(error) ?? codeOf(error) ?? messageOf(error), codeOf(error)),
    );
    socket.on('close', () => broken('it closed the connection'));
    socket.on('connect', () => {
      sent = true;
      socket.write(`${JSON.stringify(request)}\n`);
    });
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (data) => {
      const lines = (text + String(data)).split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) take(line);
    });
    const take = (line: string) => {
      try {
        const answer = readLine<V>(request.verb as V, line);
        if (typeof answer === 'string') options.onProgress?.(answer);
        else end(answer);
      } catch (error) {
        broken(`its answer cannot be read: ${messageOf(error)}`);
      }
    };
  });
}

function readLine<V extends Verb>(verb: V, line: string): Answer<V> | string {
  const value: unknown = JSON.parse(line);
  if (typeof value === 'object' && value !== null && 'progress' in value)
    return progressLine.read(value, 'progress').progress;
  const answer = finalLine.read(value, 'answer');
  if (answer.outcome !== 'done') return answer;
  return { outcome: 'done', result: results[verb].read(answer.result, 'result') as ResultOf<V> };
}

function unreachable(path: string, why: string, code: string | undefined): string {
  if (code === 'ENOENT' || networkTroubleOf({ code }) === 'refused') return `no keeper listens at ${path}`;
  return code === 'EACCES'
    ? `this account may not open ${path}`
    : `the keeper at ${path} cannot be reached: ${why}`;
}

/** The closed list. */
export const verbs = Object.keys(results) as Verb[];
