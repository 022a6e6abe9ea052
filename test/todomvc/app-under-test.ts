import { randomUUID } from 'node:crypto';
import { request, type IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import { systemClock } from '../../common/runtime/clock.js';
import { createLog } from '../../common/runtime/log.js';
import { startApp, type App, type AppOptions } from '../../todomvc/app.js';
import type { Database } from '../../todomvc/database.js';

export interface AppUnderTest {
  readonly url: string;
  readonly port: number;
  readonly app: App;
  /** Leaves at once. */
  close(): Promise<void>;
}

/** The real app on a free port of 127.0.0.1, over whatever database a test has. */
export async function startTestApp(
  database: Database,
  options: Partial<AppOptions> = {},
): Promise<AppUnderTest> {
  const app = await startApp({
    host: '127.0.0.1',
    port: 0,
    box: 'box1',
    drain: { minMs: 0, quietMs: 0, maxMs: 0 },
    newId: randomUUID,
    clock: systemClock,
    log: createLog('test', 'silent'),
    ...options,
    database,
  });
  return { url: `http://127.0.0.1:${app.port}`, port: app.port, app, close: () => app.drain() };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: any; // eslint-disable-line @typescript-eslint/no-explicit-any
}

/** One request on a connection of its own; `body` other than a text or bytes is sent as JSON. */
export function ask(
  url: string,
  options: { method?: string; headers?: Record<string, string>; body?: unknown } = {},
): Promise<Answer> {
  const { method = 'GET', body } = options;
  const raw = typeof body === 'string' || Buffer.isBuffer(body);
  const payload = body === undefined ? undefined : raw ? body : JSON.stringify(body);
  const headers = {
    ...(payload === undefined
      ? {}
      : { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(payload)) }),
    ...options.headers,
  };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const isJson = String(response.headers['content-type']).includes('json');
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          json: isJson && text !== '' ? JSON.parse(text) : undefined,
        });
      });
    });
    sent.on('error', reject);
    sent.end(payload);
  });
}

/** Bytes as they are, and everything that came back until the server closed. */
export function askRaw(
  port: number,
  bytes: string,
  host = '127.0.0.1',
): { socket: Socket; closed: Promise<string> } {
  const socket = connect(port, host);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  socket.on('error', () => {});
  socket.write(bytes);
  return { socket, closed: new Promise((resolve) => socket.on('close', () => resolve(text))) };
}

export interface ServerSentEvent {
  readonly event: string;
  readonly data: any; // eslint-disable-line @typescript-eslint/no-explicit-any
}

/** An open event stream: what came so far, its raw text, and when it ended. */
export interface EventReader {
  readonly headers: IncomingHttpHeaders;
  readonly status: number;
  readonly events: ServerSentEvent[];
  text(): string;
  readonly ended: Promise<void>;
  close(): void;
}

export function readEvents(url: string): Promise<EventReader> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/events`, { agent: false }, (response) => {
      const events: ServerSentEvent[] = [];
      let all = '';
      let rest = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        all += chunk;
        rest += chunk;
        for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
          const lines = rest.slice(0, end).split('\n');
          rest = rest.slice(end + 2);
          const field = (name: string) =>
            lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
          const event = field('event');
          if (event !== undefined) events.push({ event, data: JSON.parse(field('data') ?? 'null') });
        }
      });
      response.on('error', () => {});
      resolve({
        headers: response.headers,
        status: response.statusCode ?? 0,
        events,
        text: () => all,
        ended: new Promise((done) => response.on('close', done)),
        close: () => sent.destroy(),
      });
    });
    sent.on('error', reject);
    sent.end();
  });
}
