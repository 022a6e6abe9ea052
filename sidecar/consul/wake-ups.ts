import { EventEmitter } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import Consul from 'consul';
import { backoffMs } from '../../common/backoff.js';
import { sleep, withDeadline, type Clock } from '../../common/clock.js';
import { nextIndex } from '../../common/consul-index.js';
import type { Random } from '../../common/random.js';
import type { Secret } from '../../common/secret.js';
import type { News, WakeUps } from '../ports.js';
import { BoundedBody } from './bounded-body.js';
import { datacenterOf, listing } from './listing.js';
import { unreferenced } from './unreferenced.js';

export interface ConsulWakeUpsOptions {
  readonly url: string;
  readonly token: Secret | null;
  readonly tokenFile: string | null;
  readonly service: string;
  /** Consul's DNS domain; may name a datacenter. Default `consul`. */
  readonly domain?: string;
  readonly clock: Clock;
  readonly random: Random;
  /** How long Consul may hold a query: as long as a dead connection may pass for a quiet one. Default 15 s. */
  readonly waitMs?: number;
}

/** Two queries never follow each other faster, whatever the index does. */
const minGapMs = 100;
/** A question without an index is answered at once. */
const atOnceMs = 3_000;
/** An answer that is younger needs no check. */
const freshMs = 5_000;
/** Some thousand members. What is longer is not Consul's answer, or never ends. */
const maxAnswerBytes = 4 * 1024 * 1024;
/**
 * Long in the end: where Consul turns connections away because there are too many, hundreds of processes may be trying.
 * Those without one lose nothing but milliseconds: they ask DNS.
 */
const retry = { baseMs: 250, maxMs: 120_000 };

interface Answer {
  readonly index: string;
  readonly body: unknown;
}

/**
 * One blocking query on the health of the service, forever. It may be answered from the cache of the agent, which asks the
 * servers once for all who wait for the same.
 */
export class ConsulWakeUps implements WakeUps {
  #attentive = false;
  #answeredAtMs = -Infinity;
  #query = new AbortController();
  readonly #datacenter: string | null | undefined;

  constructor(private readonly options: ConsulWakeUpsOptions) {
    this.#datacenter = datacenterOf(options.domain ?? 'consul');
  }

  get attentive(): boolean {
    return this.#attentive;
  }

  start(hear: (news: News) => void, signal: AbortSignal): void {
    void this.#run(hear, signal);
  }

  check(): void {
    if (this.options.clock.nowMs() - this.#answeredAtMs >= freshMs) this.#query.abort(new Check());
  }

  async #run(hear: (news: News) => void, signal: AbortSignal): Promise<void> {
    const { url, clock, random } = this.options;
    const agent = unreferenced(url.startsWith('https:'));
    const client = new Consul({ baseUrl: `${url}/v1`, agent } as never);
    signal.addEventListener('abort', () => this.#query.abort(signal.reason), { once: true });
    let index = '0';
    let failures = 0;
    while (!signal.aborted) {
      const startedMs = clock.nowMs();
      this.#query = new AbortController();
      try {
        const { index: seen, body } = await this.#ask(client, index);
        if (signal.aborted) break;
        failures = 0;
        this.#answered(body, seen !== index, hear);
        index = nextIndex(index, seen);
        await pause(clock, minGapMs - (clock.nowMs() - startedMs), signal);
      } catch (error) {
        if (signal.aborted) break;
        index = '0';
        if (error instanceof Check) {
          this.#answeredAtMs = clock.nowMs();
          continue;
        }
        const toldBefore = this.#attentive;
        this.#attentive = false;
        if (toldBefore) hear({ kind: 'silent' });
        await pause(clock, backoffMs(failures++, retry, random), signal);
      }
    }
    this.#attentive = false;
    client.destroy();
  }

  /** The first answer counts as news too: something may have changed since the lookup before it. */
  #answered(body: unknown, isNews: boolean, hear: (news: News) => void): void {
    const lookups = this.#datacenter === undefined ? null : listing(body);
    this.#attentive = lookups !== null;
    this.#answeredAtMs = this.options.clock.nowMs();
    // A list without a change is heard as well: it is as good as a lookup, and whoever is listed may be worth a try.
    if (lookups) hear({ kind: 'listed', lookups });
    else if (isNews) hear({ kind: 'changed' });
  }

  async #ask(client: Consul, index: string): Promise<Answer> {
    const { service, clock, waitMs = 15_000 } = this.options;
    // Consul adds up to a sixteenth to spread its answers.
    const deadlineMs = index === '0' ? atOnceMs : waitMs + waitMs / 16 + 5_000;
    const token = await this.#token();
    return withDeadline(
      unreferencedTime(clock),
      deadlineMs,
      'blocking query',
      async (signal) => {
        const ctx = new EventEmitter();
        const cancel = () => ctx.emit('cancel');
        signal.addEventListener('abort', cancel, { once: true });
        const received = new BoundedBody(maxAnswerBytes, cancel);
        // The package's own call for this knows no `cached`.
        const response = await (client as unknown as Requests)._get(
          {
            name: 'health.service',
            path: '/health/service/{service}',
            params: { service },
            query: {
              cached: '',
              index,
              wait: `${Math.round(waitMs / 1000)}s`,
              ...(this.#datacenter ? { dc: this.#datacenter } : {}),
            },
            headers: token ? { 'x-consul-token': token } : {},
            ctx,
            pipe: received,
          },
          wholeAnswer,
        );
        return { index: String(response.headers['x-consul-index'] ?? '0'), body: received.parsed(response) };
      },
      this.#query.signal,
    );
  }

  /** Read each time: tokens are rotated. */
  async #token(): Promise<string | undefined> {
    const { token, tokenFile } = this.options;
    if (tokenFile !== null) return (await readFile(tokenFile, 'utf8')).trim();
    return token?.reveal();
  }
}

/** Not a failure: the same is asked again, without waiting. */
class Check extends Error {}

/** As far as we use it: the package's way to any request, and what it hands on. */
interface Requests {
  _get(request: object, then: typeof wholeAnswer): Promise<IncomingMessage>;
}

/** The index is in the headers. */
function wholeAnswer(
  request: { err?: Error; res?: IncomingMessage },
  next: (repeat: false, error?: Error, response?: IncomingMessage) => void,
): void {
  if (request.err) next(false, request.err);
  else next(false, undefined, request.res);
}

/** A process that has nothing else to do does not wait for a query that may take a quarter of a minute. */
const unreferencedTime = (clock: Clock): Clock => ({
  nowMs: () => clock.nowMs(),
  wallMs: () => clock.wallMs(),
  after: (delayMs, fn) => clock.after(delayMs, fn, { ref: false }),
});

async function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  if (delayMs > 0) await sleep(clock, delayMs, { signal, ref: false }).catch(() => {});
}
