import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sleep } from '../../common/clock.js';
import { systemClock } from '../../common/runtime/clock.js';

/** What an agent asked of a Consul, and when it began to ask (monotonic ms). */
export interface Call {
  /** Like `check/fail service:web@web1` or `services`. */
  readonly what: string;
  readonly begunMs: number;
}

interface Service {
  readonly ID: string;
  readonly Name: string;
  readonly Address: string;
  readonly Port: number;
  readonly Tags: readonly string[];
  readonly Meta: Readonly<Record<string, string>>;
}

/** Just as much of the HTTP interface of a Consul agent as one agent of ours uses; every answer takes `delayMs`. */
export class SlowConsul {
  readonly calls: Call[] = [];
  delayMs = 0;
  private readonly services = new Map<string, Service>();
  private readonly checks = new Map<string, { Status: string; Output: string }>();
  private readonly server = createServer((request, response) => {
    this.answer(request, response).catch((error: unknown) => {
      // An agent that gave up, or was killed, half-way through its question.
      if (request.destroyed && !request.complete) return;
      response.writeHead(500).end(String(error));
    });
  });

  static async start(): Promise<SlowConsul> {
    const consul = new SlowConsul();
    await new Promise<void>((resolve) => consul.server.listen(0, '127.0.0.1', resolve));
    return consul;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** What changes something, in the order in which it began. */
  get writes(): readonly Call[] {
    return this.calls.filter(({ what }) => /^(check|service)\//.test(what));
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    const path = decodeURIComponent(url.pathname);
    const begunMs = systemClock.nowMs();
    const body = await textOf(request);
    const [, verb = '', id = ''] =
      /^\/v1\/agent\/((?:check|service)\/[a-z]+|services|checks)(?:\/(.*))?$/.exec(path) ?? [];
    if (path.startsWith('/v1/health/')) {
      // Nothing changes for whoever waits for a change.
      await sleep(systemClock, 1_000, { ref: false });
      return send(response, this.health(path.split('/').at(-1)!));
    }
    const about = verb === 'service/register' ? (JSON.parse(body) as Service).ID : id;
    this.calls.push({ what: about ? `${verb} ${about}` : verb, begunMs });
    await sleep(systemClock, this.delayMs, { ref: false });
    send(response, this.result(verb, id, body, url.searchParams.get('note') ?? ''));
  }

  private health(name: string): unknown {
    return [...this.services.values()]
      .filter((service) => service.Name === name)
      .map(({ Name, ...rest }) => ({
        Node: { Node: 'test' },
        Service: { ...rest, Service: Name },
        Checks: [...this.checks]
          .filter(([id]) => id === `service:${rest.ID}`)
          .map(([CheckID, check]) => ({ CheckID, ...check })),
      }));
  }

  private result(verb: string, id: string, body: string, note: string): unknown {
    switch (verb) {
      case 'services':
        return Object.fromEntries(
          [...this.services].map(([key, { Name, ...rest }]) => [key, { ...rest, Service: Name }]),
        );
      case 'checks':
        return Object.fromEntries([...this.checks].map(([key, check]) => [key, { CheckID: key, ...check }]));
      case 'service/register': {
        const { Check, ...service } = JSON.parse(body) as Service & {
          Check: { CheckID: string; Status: string };
        };
        this.services.set(service.ID, service);
        if (!this.checks.has(Check.CheckID))
          this.checks.set(Check.CheckID, { Status: Check.Status, Output: '' });
        return null;
      }
      case 'service/deregister':
        this.services.delete(id);
        this.checks.delete(`service:${id}`);
        return null;
      default: {
        const Status = { 'check/pass': 'passing', 'check/warn': 'warning', 'check/fail': 'critical' }[verb];
        if (Status === undefined) throw new Error(`nothing is known of ${verb}`);
        this.checks.set(id, { Status, Output: note });
        return null;
      }
    }
  }
}

function send(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json', 'x-consul-index': '7' });
  response.end(value === null ? undefined : JSON.stringify(value));
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}
