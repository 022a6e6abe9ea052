import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { withDeadline, type Clock } from '../clock.js';
import { ConsulFailure, failureOf, refusal } from './failure.js';

export interface ConnectionOptions {
  /** Base URL of a Consul agent, like `http://127.0.0.1:8500`; it may have a path. */
  readonly url: string;
  /** Asked before each request: tokens are rotated. Undefined: without one. */
  readonly token?: () => Promise<string | undefined> | string | undefined;
  readonly clock: Clock;
  /** Whether an open question keeps the process alive. Default true. */
  readonly ref?: boolean;
}

export interface Question {
  /** Below `/v1/`, like `health/service/pg`; names in it are encoded by whoever writes it. */
  readonly path: string;
  /** An empty value makes a flag, like `cached`. */
  readonly query?: Readonly<Record<string, string>>;
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
  /** HTTP statuses besides 200 that are an answer, not a failure. Default none. */
  readonly answers?: readonly number[];
}

/** Without an answer it may still be carried out, however late. A body is sent as JSON. */
export interface Order extends Question {
  readonly body?: unknown;
}

export interface Answer {
  readonly status: number;
  /** Of the blocking query that follows; undefined where Consul gives none. */
  readonly index: string | undefined;
  /** Undefined where nothing was said; with a status other than 200 perhaps a text. */
  readonly body: unknown;
}

/** Some thousand members. What is longer is not Consul's answer, or never ends. */
const maxAnswerBytes = 4 * 1024 * 1024;

/**
 * Asks one Consul agent over HTTP, and writes to it by plain PUT. Every question ends: with an answer, within its deadline, or when its signal
 * fires, whatever the other side does.
 */
export class ConsulConnection {
  readonly #agent: HttpAgent | HttpsAgent;
  readonly #base: string;
  readonly #clock: Clock;
  readonly #ref: boolean;

  constructor(private readonly options: ConnectionOptions) {
    const { url, clock, ref = true } = options;
    this.#agent = url.startsWith('https:')
      ? new HttpsAgent({ keepAlive: true })
      : new HttpAgent({ keepAlive: true });
    this.#base = `${url.replace(/\/+$/, '')}/v1/`;
    this.#ref = ref;
    this.#clock = ref ? clock : unreferencedTime(clock);
  }

  /** @throws ConsulFailure, or the reason of the signal. */
  async get(question: Question): Promise<Answer> {
    return this.#exchange('GET', question);
  }

  /** @throws as `get`. Only of the kinds `refused` and `forbidden` it is certain that nothing was done. */
  async put(order: Order): Promise<Answer> {
    return this.#exchange('PUT', order);
  }

  close(): void {
    this.#agent.destroy();
  }

  async #exchange(method: 'GET' | 'PUT', order: Order): Promise<Answer> {
    const { path, deadlineMs, signal } = order;
    try {
      return await withDeadline(
        this.#clock,
        deadlineMs,
        path,
        async (aborted) => {
          const response = await this.#send(method, order, await this.options.token?.(), aborted);
          const body = await bodyOf(response);
          const status = response.statusCode ?? 0;
          if (status !== 200 && !order.answers?.includes(status)) throw refusal(status, body);
          const index = response.headers['x-consul-index'];
          return {
            status,
            index: typeof index === 'string' ? index : undefined,
            // An order may be answered without a word.
            body: body === '' && (method === 'PUT' || status !== 200) ? undefined : parsed(response, body),
          };
        },
        signal,
      );
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw failureOf(error);
    }
  }

  #urlOf({ path, query = {} }: Question): URL {
    const search = Object.entries(query).map(([name, value]) =>
      value === '' ? name : `${name}=${encodeURIComponent(value)}`,
    );
    return new URL(`${this.#base}${path}${search.length > 0 ? `?${search.join('&')}` : ''}`);
  }

  #send(
    method: 'GET' | 'PUT',
    order: Order,
    token: string | undefined,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const url = this.#urlOf(order);
    const text = order.body === undefined ? undefined : JSON.stringify(order.body);
    const headers = {
      ...(token ? { 'x-consul-token': token } : {}),
      ...(text === undefined ? {} : { 'content-type': 'application/json' }),
    };
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const request = send(url, { method, agent: this.#agent, headers, signal }, resolve);
      request.on('error', reject);
      // Node counts a socket again each time it is taken out of the agent.
      if (!this.#ref) request.on('socket', (socket) => socket.unref());
      request.end(text);
    });
  }
}

/** Rejects when it ends before its end, or does not end. */
async function bodyOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    // Leaving the loop destroys the socket.
    if (bytes > maxAnswerBytes)
      throw new ConsulFailure('garbage', `an answer of more than ${maxAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsed({ headers, statusCode }: IncomingMessage, body: string): unknown {
  const [type] = (headers['content-type'] ?? '').split(';');
  if (type?.trim() === 'application/json') {
    try {
      return JSON.parse(body) as unknown;
    } catch {
      // Said below.
    }
  } else if (statusCode !== 200) {
    return body;
  }
  throw new ConsulFailure('garbage', 'what answers there is not Consul');
}

/** A process that has nothing else to do does not wait for a question that may take a quarter of a minute. */
const unreferencedTime = (clock: Clock): Clock => ({
  nowMs: () => clock.nowMs(),
  wallMs: () => clock.wallMs(),
  after: (delayMs, fn) => clock.after(delayMs, fn, { ref: false }),
});
