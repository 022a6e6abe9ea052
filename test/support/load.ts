import { Agent, request } from 'node:http';

export interface Load {
  readonly requests: number;
  /** Answers that are none: refused, reset, timed out, or a status of 500 and above. One line each. */
  readonly failed: readonly string[];
  /** GETs on kept connections that were reset and answered at the second try. */
  readonly retried: number;
  /** POSTs on kept connections that were closed as they were sent; only the client can know whether to repeat them. */
  readonly resetPosts: number;
  /** X-Served-By of every answer, in the order they ended. */
  readonly servedBy: readonly string[];
  readonly slowestMs: number;
}

export interface LoadOptions {
  readonly urls: readonly string[];
  readonly requests: number;
  readonly concurrency: number;
  /** A POST after so many GETs; 0: none. */
  readonly postEvery: number;
  readonly keepAlive: boolean;
  /** Called with the number of requests ended so far. */
  readonly onProgress?: (ended: number) => void;
}

const deadlineMs = 10_000;

/** Sends requests round the urls until all are answered. A GET on a kept connection that was reset is tried once more. */
export async function load(options: LoadOptions): Promise<Load> {
  const agent = new Agent({ keepAlive: options.keepAlive, maxSockets: options.concurrency });
  const failed: string[] = [];
  const servedBy: string[] = [];
  let next = 0;
  let ended = 0;
  let retried = 0;
  let resetPosts = 0;
  let slowestMs = 0;
  const worker = async () => {
    while (next < options.requests) {
      const number = next++;
      const method = options.postEvery > 0 && number % options.postEvery === 0 ? 'POST' : 'GET';
      const url = `${options.urls[number % options.urls.length]}todos`;
      const startedMs = performance.now();
      try {
        servedBy.push(await once(url, method, agent, number));
      } catch (error) {
        try {
          if (!(error instanceof ClosedKeptConnection)) throw error;
          if (method === 'POST') resetPosts++;
          else {
            servedBy.push(await once(url, method, new Agent(), number));
            retried++;
          }
        } catch (final) {
          failed.push(`${method} ${url}: ${(final as Error).message}`);
        }
      }
      slowestMs = Math.max(slowestMs, performance.now() - startedMs);
      options.onProgress?.(++ended);
    }
  };
  await Promise.all(Array.from({ length: options.concurrency }, worker));
  agent.destroy();
  return { requests: options.requests, failed, retried, resetPosts, servedBy, slowestMs };
}

class ClosedKeptConnection extends Error {}

function once(url: string, method: 'GET' | 'POST', agent: Agent, number: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = method === 'POST' ? { 'content-type': 'application/json' } : {};
    const sent = request(url, { method, agent, headers, timeout: deadlineMs }, (response) => {
      response.resume();
      response.on('error', reject);
      response.on('end', () => {
        const status = response.statusCode ?? 0;
        if (status >= 500 || status === 0) reject(new Error(`status ${status}`));
        else resolve(String(response.headers['x-served-by']));
      });
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${deadlineMs} ms`)));
    sent.on('error', (error: NodeJS.ErrnoException) =>
      reject(sent.reusedSocket && error.code === 'ECONNRESET' ? new ClosedKeptConnection() : error),
    );
    sent.end(method === 'POST' ? JSON.stringify({ title: `load ${number}` }) : undefined);
  });
}
