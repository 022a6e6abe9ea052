import { EventEmitter } from 'node:events';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import Consul from 'consul';
import { backoffMs } from '../../common/backoff.js';
import { sleep, withDeadline, type Clock } from '../../common/clock.js';
import { nextIndex } from '../../common/consul-index.js';
import type { Random } from '../../common/random.js';
import type { Secret } from '../../common/secret.js';
import type { WakeUps } from '../ports.js';

export interface ConsulWakeUpsOptions {
  readonly url: string;
  readonly token: Secret | null;
  readonly tokenFile: string | null;
  readonly service: string;
  readonly clock: Clock;
  readonly random: Random;
  /** How long Consul may hold a query. Default 60 s. */
  readonly waitMs?: number;
}

/** Two queries never follow each other faster, whatever the index does. */
const minGapMs = 100;
const retry = { baseMs: 250, maxMs: 10_000 };

/** Sockets that do not keep the process alive. */
function unreferenced(secure: boolean): http.Agent | https.Agent {
  const agent = secure ? new https.Agent({ keepAlive: true }) : new http.Agent({ keepAlive: true });
  const own = agent as unknown as {
    createConnection(options: object, callback?: unknown): Duplex & { unref?(): void };
    reuseSocket(socket: { ref(): void; unref(): void }, request: unknown): void;
  };
  const create = own.createConnection.bind(agent);
  own.createConnection = (options, callback) => {
    const socket = create(options, callback);
    socket?.unref?.();
    return socket;
  };
  const reuse = own.reuseSocket.bind(agent);
  own.reuseSocket = (socket, request) => {
    reuse(socket, request);
    socket.unref();
  };
  return agent;
}

/**
 * Wakes when anything about the service changes: one blocking query on its health, forever. Uses no answer but the index.
 */
export class ConsulWakeUps implements WakeUps {
  constructor(private readonly options: ConsulWakeUpsOptions) {}

  start(wake: () => void, signal: AbortSignal): void {
    void this.#run(wake, signal);
  }

  async #run(wake: () => void, signal: AbortSignal): Promise<void> {
    const { url, clock, random } = this.options;
    const agent = unreferenced(url.startsWith('https:'));
    const client = new Consul({ baseUrl: `${url}/v1`, agent } as never);
    let index = '0';
    let failures = 0;
    while (!signal.aborted) {
      const startedMs = clock.nowMs();
      try {
        const seen = await this.#query(client, index, signal);
        // The first answer counts as news too: something may have changed since the lookup before it.
        if (seen !== index) wake();
        failures = 0;
        index = nextIndex(index, seen);
        await pause(clock, minGapMs - (clock.nowMs() - startedMs), signal);
      } catch {
        if (signal.aborted) break;
        index = '0';
        await pause(clock, backoffMs(failures++, retry, random), signal);
      }
    }
    client.destroy();
  }

  async #query(client: Consul, index: string, parent: AbortSignal): Promise<string> {
    const { service, clock, waitMs = 60_000 } = this.options;
    // Consul adds up to a sixteenth to spread its answers.
    const deadlineMs = waitMs + waitMs / 16 + 5_000;
    const token = await this.#token();
    return withDeadline(
      clock,
      deadlineMs,
      'blocking query',
      async (signal) => {
        const ctx = Object.assign(new EventEmitter(), { includeResponse: true });
        signal.addEventListener('abort', () => ctx.emit('cancel'), { once: true });
        const [response] = (await client.health.service({
          service,
          index,
          wait: `${Math.round(waitMs / 1000)}s`,
          ctx,
          ...(token ? { token } : {}),
        } as never)) as unknown as [http.IncomingMessage];
        return String(response.headers['x-consul-index'] ?? '0');
      },
      parent,
    );
  }

  /** Read each time: tokens are rotated. */
  async #token(): Promise<string | undefined> {
    const { token, tokenFile } = this.options;
    if (tokenFile !== null) return (await readFile(tokenFile, 'utf8')).trim();
    return token?.reveal();
  }
}

async function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  if (delayMs > 0) await sleep(clock, delayMs, { signal, ref: false }).catch(() => {});
}
