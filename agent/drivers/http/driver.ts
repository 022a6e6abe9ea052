import { Agent, request, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { withDeadline, type Clock } from '../../../common/clock.js';
import type { ProbeResult } from '../../core/model.js';
import type { Driver } from '../../ports.js';
import type { Surroundings } from '../kind.js';
import type { HttpServiceConfig } from './config.js';
import { judgeError } from '../judge.js';

export interface HttpDriverOptions {
  readonly address: string;
  readonly port: number;
  readonly path: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/**
 * GET with a deadline; any 2xx is passing. The connection is kept open between probes: its close says at once that the
 * server went away. To a draining server it is an idle keep-alive connection like any browser's, which it may close
 * freely; only a probe opens the next one.
 */
export class HttpDriver implements Driver {
  private readonly connections = new Agent({ keepAlive: true, maxSockets: 1, maxFreeSockets: 1 });
  private readonly seen = new WeakSet<Socket>();
  /** Connections that the server announced to close: their end is no news. */
  private readonly announced = new WeakSet<Socket>();
  private alarm: () => void = () => {};
  private closed = false;
  private probing = false;

  constructor(private readonly options: HttpDriverOptions) {}

  static of({ address, port, probe }: HttpServiceConfig, { clock }: Surroundings): HttpDriver {
    const { path, timeoutMs } = probe;
    return new HttpDriver({ address, port, path, timeoutMs, clock });
  }

  onAlarm(listener: () => void): void {
    this.alarm = listener;
  }

  async close(): Promise<void> {
    this.closed = true;
    this.connections.destroy();
  }

  async probe(): Promise<ProbeResult> {
    const { clock, timeoutMs } = this.options;
    const startedMs = clock.nowMs();
    this.probing = true;
    try {
      const status = await withDeadline(clock, timeoutMs, 'probe', (signal) => this.get(signal));
      if (status >= 200 && status < 300) return { kind: 'passing', facts: { kind: 'http' } };
      return { kind: 'critical', trouble: { kind: 'http-status', status } };
    } catch (error) {
      return judgeError(error, { tookMs: clock.nowMs() - startedMs, deadlineMs: timeoutMs });
    } finally {
      this.probing = false;
    }
  }

  /** The status of the answer. Once more on a fresh connection when the kept one had been closed under it. */
  private async get(signal: AbortSignal): Promise<number> {
    try {
      return await this.getOnce(signal);
    } catch (error) {
      if (!(error as { reused?: boolean }).reused || signal.aborted) throw error;
      return this.getOnce(signal);
    }
  }

  private getOnce(signal: AbortSignal): Promise<number> {
    const { address, port, path } = this.options;
    return new Promise((resolve, reject) => {
      const asked = request({
        host: address,
        port,
        path,
        method: 'GET',
        agent: this.connections,
        signal,
        headers: { 'user-agent': 'hotspare-agent' },
      });
      const fail = (error: Error) => reject(Object.assign(error, { reused: asked.reusedSocket }));
      asked.on('socket', (socket) => this.guard(socket));
      asked.on('error', fail);
      asked.on('response', (response) => {
        response.on('error', fail);
        if (/close/i.test(response.headers.connection ?? '')) this.announced.add(response.socket);
        drain(response, () => resolve(response.statusCode ?? 0));
      });
      asked.end();
    });
  }

  /** Raises the alarm when an idle connection is closed by the other side. */
  private guard(socket: Socket): void {
    if (this.seen.has(socket)) return;
    this.seen.add(socket);
    socket.on('close', () => {
      if (!this.closed && !this.probing && !this.announced.has(socket)) this.alarm();
    });
  }
}

/** Reads the body away, so that the connection can be used again; gives up on one that is too long to be a health answer. */
function drain(response: IncomingMessage, done: () => void): void {
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > 64 * 1024) {
      done();
      response.destroy();
    }
  });
  response.on('end', done);
}
