import { request } from 'node:http';
import { DeadlineError, type Clock } from '../../common/clock.js';
import { networkTroubleOf } from '../../common/network-error.js';

export type Got =
  | { readonly kind: 'answered'; readonly status: number; readonly text: string }
  /** `isUnreachable`: not even the connection was accepted. */
  | { readonly kind: 'failed'; readonly error: unknown; readonly isUnreachable: boolean };

export interface GetOptions {
  readonly clock: Clock;
  readonly deadlineMs: number;
  /** A longer answer is none. */
  readonly mostBytes: number;
  readonly signal: AbortSignal;
}

/** One GET on a connection of its own, so that it tells whether the box is there. Never rejects. */
export function get(url: string, options: GetOptions): Promise<Got> {
  const { clock, deadlineMs, mostBytes, signal } = options;
  return new Promise((resolve) => {
    let isConnected = false;
    // Not by a signal that is made of two: Node 20 may forget the one that only a clock holds.
    const timer = clock.after(deadlineMs, () => fail(new DeadlineError('the agent', deadlineMs)));
    const onAbort = () => fail(signal.reason);
    const asked = request(url, { agent: false }, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > mostBytes) fail(new TypeError(`sends more than ${mostBytes} bytes`));
      });
      response.on('error', fail);
      // Cut off half-way it has no end.
      response.on('close', () => fail(new Error('the connection ended in the middle of the answer')));
      response.on('end', () =>
        end({
          kind: 'answered',
          status: response.statusCode ?? 0,
          text: Buffer.concat(chunks).toString('utf8'),
        }),
      );
    });
    asked.on('socket', (socket) => socket.once('connect', () => (isConnected = true)));
    asked.on('error', fail);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    else asked.end();

    function end(got: Got): void {
      timer.cancel();
      signal.removeEventListener('abort', onAbort);
      resolve(got);
      asked.destroy();
    }
    function fail(error: unknown): void {
      const isNoWay =
        error instanceof DeadlineError || ['unreachable', 'silent'].includes(networkTroubleOf(error) ?? '');
      end({ kind: 'failed', error, isUnreachable: isNoWay && !isConnected });
    }
  });
}
