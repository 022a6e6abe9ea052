import { request as requestHttp } from 'node:http';
import { onTestFinished } from 'vitest';

export interface Sent {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  /** Monotonic ms. */
  readonly sentMs: number;
  readonly tookMs: number;
  /** 0: none came. */
  readonly status: number;
  readonly mode: string | undefined;
  readonly servedBy: string | undefined;
  readonly failure: string | undefined;
}

const deadlineMs = 20_000;

/**
 * Asks at a constant pace, each time on a fresh connection and whether or not the answers come: what hangs piles up and is
 * seen. A GET of every url each `everyMs`, and after each fourth of them a POST.
 */
export class SteadyLoad {
  readonly sent: Sent[] = [];
  readonly #timer: NodeJS.Timeout;
  readonly #open = new Set<Promise<unknown>>();
  #round = 0;

  constructor(
    private readonly urls: readonly string[],
    everyMs = 80,
  ) {
    this.#timer = setInterval(() => {
      const post = this.#round++ % 4 === 0;
      for (const url of this.urls) {
        this.#send('GET', url);
        if (post) this.#send('POST', url);
      }
    }, everyMs);
    onTestFinished(() => clearInterval(this.#timer));
  }

  /** Stops asking and waits for the last answers. */
  async stop(): Promise<readonly Sent[]> {
    clearInterval(this.#timer);
    await Promise.all(this.#open);
    return this.sent;
  }

  /** The first answer in `mode` to a GET sent to `url` after `sinceMs`; undefined: none yet. */
  firstInMode(mode: string, sinceMs: number, url?: string): Sent | undefined {
    const found = this.sent.filter(
      (one) =>
        one.method === 'GET' &&
        one.mode === mode &&
        one.sentMs + one.tookMs > sinceMs &&
        (url === undefined || one.url === url),
    );
    return found.sort((a, b) => a.sentMs + a.tookMs - (b.sentMs + b.tookMs))[0];
  }

  #send(method: 'GET' | 'POST', url: string): void {
    const open: Promise<unknown> = once(method, url).then((sent) => {
      this.sent.push(sent);
      this.#open.delete(open);
    });
    this.#open.add(open);
  }
}

export const slowest = (sent: readonly Sent[]) => Math.max(0, ...sent.map(({ tookMs }) => tookMs));

/** What an app's user would call an error: no answer, or a 5xx. One line each. */
export const failures = (sent: readonly Sent[]) =>
  sent
    .filter(({ status }) => status === 0 || status >= 500)
    .map(
      ({ method, url, status, failure, tookMs }) =>
        `${method} ${url} ${failure ?? status} after ${tookMs.toFixed(0)} ms`,
    );

function once(method: 'GET' | 'POST', url: string): Promise<Sent> {
  return new Promise((resolve) => {
    const sentMs = performance.now();
    const end = (status: number, headers: Record<string, unknown>, failure?: string) => {
      const text = (name: string) => (headers[name] === undefined ? undefined : String(headers[name]));
      resolve({
        method,
        url,
        sentMs,
        tookMs: performance.now() - sentMs,
        status,
        mode: text('x-hotspare-mode'),
        servedBy: text('x-served-by'),
        failure,
      });
    };
    const sent = requestHttp(
      `${url}todos`,
      {
        method,
        agent: false,
        headers: method === 'POST' ? { 'content-type': 'application/json' } : {},
        signal: AbortSignal.timeout(deadlineMs),
      },
      (response) => {
        response.resume();
        response.on('error', (error) => end(0, {}, error.message));
        response.on('end', () => end(response.statusCode ?? 0, response.headers));
      },
    );
    sent.on('error', (error: NodeJS.ErrnoException) =>
      end(0, {}, error.name === 'AbortError' ? `no answer within ${deadlineMs} ms` : error.message),
    );
    sent.end(method === 'POST' ? '{"title":"steady"}' : undefined);
  });
}
