import { EventEmitter } from 'node:events';
import { Agent as HttpAgent, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import Consul from 'consul';
import { withDeadline, type Clock } from '../../common/clock.js';
import type { Random } from '../../common/random.js';
import type { Secret } from '../../common/secret.js';
import type { CatalogueEntry, CheckStatus, Registration } from '../core/model.js';
import { ConsulError, type ConsulPort, type Kept, type ServiceWatcher } from '../ports.js';
import { explain, statusOf, type Undertaking } from './errors.js';
import { parseEntries } from './parse.js';
import { RefusedToken } from './refused-token.js';
import { watchService } from './watch.js';

export interface ConsulAdapterOptions {
  /** Like `http://127.0.0.1:8500`. */
  readonly url: string;
  readonly token?: Kept<Secret> | undefined;
  /** Named in sentences about a refused token. */
  readonly tokenFile?: string;
  /** For every call but the blocking wait of a watch, in ms. */
  readonly deadlineMs: number;
  /**
   * How long Consul may hold back the answer to a watch while nothing changes, in ms; default 10000. Not longer: the npm
   * package never notices an answer that was cut off in its middle, so this bounds how long a watch may be deaf.
   */
  readonly watchWaitMs?: number;
  readonly clock: Clock;
  readonly random: Random;
}

/** Options that the npm package takes and its types lack. */
type Extra<T> = T & { ctx?: EventEmitter; timeout?: number };

export interface ConsulAnswer {
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

/** The only code that knows the `consul` package. Uses only calls that Consul 1.8 and today's releases share. */
export class ConsulAdapter implements ConsulPort {
  private readonly consul: Consul;
  private readonly connections: HttpAgent;
  private readonly refusedToken: RefusedToken | undefined;
  private readonly newTokenListeners: (() => void)[] = [];

  constructor(private readonly options: ConsulAdapterOptions) {
    const { clock, token } = options;
    this.refusedToken =
      token &&
      new RefusedToken(token, clock, () => {
        for (const listener of this.newTokenListeners) listener();
      });
    const url = new URL(options.url);
    const secure = url.protocol === 'https:';
    this.connections = secure ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
    this.consul = new Consul({
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port || (secure ? 443 : 80)),
      secure,
      agent: this.connections,
    });
  }

  async services(): Promise<CatalogueEntry[]> {
    const reading = {
      what: 'reading the services of the local Consul agent',
      right: 'service:read and node:read',
    };
    const [services, checks] = await Promise.all([
      this.call(reading, (ctx) => this.consul.agent.service.list(ctx)),
      this.call(reading, (ctx) => this.consul.agent.check.list(ctx)),
    ]);
    return this.parsed(reading.what, () => parseEntries(services, checks));
  }

  async register(registration: Registration): Promise<void> {
    const { id, name, address, port, tags, meta, checkTtlMs, initialStatus } = registration;
    const check = {
      checkid: checkId(id),
      name: `hotspare: ${name}`,
      ttl: `${checkTtlMs}ms`,
      status: initialStatus,
      timeout: `${checkTtlMs}ms`,
    };
    await this.call({ what: `registering ${name}`, right: writing(name) }, (ctx) =>
      this.consul.agent.service.register({ ...ctx, id, name, address, port, tags: [...tags], meta, check }),
    );
  }

  async updateCheck(serviceId: string, status: CheckStatus, text: string): Promise<void> {
    const id = checkId(serviceId);
    const { check } = this.consul.agent;
    const update = { passing: check.pass, warning: check.warn, critical: check.fail }[status].bind(check);
    const updating = { what: `updating the check of ${serviceId}`, right: writing(nameIn(serviceId)) };
    await this.call(updating, (ctx) => update({ ...ctx, id, note: text }));
  }

  async deregister(serviceId: string): Promise<void> {
    try {
      const leaving = { what: `deregistering ${serviceId}`, right: writing(nameIn(serviceId)) };
      await this.call(leaving, (ctx) => this.consul.agent.service.deregister({ ...ctx, id: serviceId }));
    } catch (error) {
      const { cause } = error as ConsulError;
      // 1.8 answers 200 for an unknown service, later releases 404: either way it is not there.
      if (statusOf(cause) !== 404) throw error;
    }
  }

  watchService(
    service: string,
    watcher: ServiceWatcher,
    signal: AbortSignal,
    options: { readonly waitMs?: number } = {},
  ): Promise<void> {
    const waitMs = options.waitMs ?? this.options.watchWaitMs ?? 10_000;
    const ask = async (index: string, aborted: AbortSignal): Promise<ConsulAnswer> => {
      const context = Object.assign(new EventEmitter(), { includeResponse: true });
      const answer: unknown = await this.call(
        { what: `watching ${service}`, right: `service:read for ${service} and node:read` },
        (ctx) =>
          // Consistent: a server that just restarted may answer an ordinary read from a state it has not caught up with.
          this.consul.health.service({ ...ctx, service, ...blocking(index, waitMs) }),
        // Consul adds up to a sixteenth of the wait.
        { context, deadlineMs: waitMs + waitMs / 16 + this.options.deadlineMs, signal: aborted },
      );
      const [response, body] = answer as [IncomingMessage, unknown];
      return { headers: response.headers, body };
    };
    return watchService({ ...this.options, waitMs, service, watcher, signal, ask });
  }

  onNewToken(listener: () => void): void {
    this.newTokenListeners.push(listener);
  }

  close(): void {
    this.refusedToken?.stop();
    this.connections.destroy();
  }

  private async call<T>(
    undertaking: Undertaking,
    work: (options: Extra<{ token?: string }>) => Promise<T>,
    how: { context?: EventEmitter; deadlineMs?: number; signal?: AbortSignal } = {},
  ): Promise<T> {
    const { context = new EventEmitter(), deadlineMs = this.options.deadlineMs, signal } = how;
    const { token } = this.options;
    let used: Secret | undefined;
    const ask = () => {
      used = token?.current();
      return withDeadline(
        this.options.clock,
        deadlineMs,
        undertaking.what,
        (aborted) => {
          aborted.addEventListener('abort', () => context.emit('cancel'), { once: true });
          return work({ ctx: context, ...(used && { token: used.reveal() }) });
        },
        signal,
      );
    };
    try {
      return await ask().catch(async (error: unknown) => {
        if (statusOf(error) !== 403 || !token) throw error;
        // Another call may have found the new one already.
        if (token.current() === used && !(await token.reread())) throw error;
        return ask();
      });
    } catch (error) {
      if (statusOf(error) === 403 && used) this.refusedToken?.refused(used);
      throw explain(error, undertaking, this.options);
    }
  }

  private parsed<T>(what: string, parse: () => T): T {
    try {
      return parse();
    } catch (cause) {
      throw new ConsulError('unreachable', `${what}: what answers at ${this.options.url} is not Consul`, {
        cause,
      });
    }
  }
}

function writing(service: string): string {
  return `service:write for ${service}`;
}

/** Ids are `name@box`. */
function nameIn(serviceId: string): string {
  return serviceId.split('@')[0] ?? serviceId;
}

function checkId(serviceId: string): string {
  return `service:${serviceId}`;
}

function blocking(index: string, waitMs: number): Record<string, unknown> {
  return { consistent: true, index, wait: `${waitMs}ms` };
}
