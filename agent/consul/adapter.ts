import { EventEmitter } from 'node:events';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import Consul from 'consul';
import { withDeadline, type Clock } from '../../common/clock.js';
import { ConsulConnection, type Answer, type Question } from '../../common/consul/connection.js';
import { fromConsul } from '../../common/consul/failure.js';
import { parseHealth } from '../../common/consul/json.js';
import { ConsulWatch } from '../../common/consul/watch.js';
import type { Random } from '../../common/random.js';
import type { Secret } from '../../common/secret.js';
import type { CatalogueEntry, CheckStatus, Registration } from '../core/model.js';
import type { ConsulError, ConsulPort, Kept, ServiceWatcher } from '../ports.js';
import { asFailure, explain, type Undertaking } from './errors.js';
import { parseEntries } from './parse.js';
import { RefusedToken } from './refused-token.js';

export interface ConsulAdapterOptions {
  /** Like `http://127.0.0.1:8500`. */
  readonly url: string;
  readonly token?: Kept<Secret> | undefined;
  /** Named in sentences about a refused token. */
  readonly tokenFile?: string;
  /** For every call but the blocking wait of a watch, in ms. */
  readonly deadlineMs: number;
  /**
   * How long Consul may hold back the answer to a watch while nothing changes, in ms; default 10000. Not longer: so long a
   * watch may be deaf after the restoring of a snapshot, and so long a dead connection may pass for a quiet one.
   */
  readonly watchWaitMs?: number;
  readonly clock: Clock;
  readonly random: Random;
}

/** Options that the npm package takes and its types lack. */
type Extra<T> = T & { ctx?: EventEmitter };

const retryWatch = { baseMs: 100, maxMs: 5_000 };

/**
 * This box's Consul agent: reads and watches are our own, registrations and checks go through the `consul` package, which only
 * this file knows. Uses only calls that Consul 1.8 and today's releases share.
 */
export class ConsulAdapter implements ConsulPort {
  private readonly consul: Consul;
  private readonly connections: HttpAgent;
  private readonly reads: ConsulConnection;
  private readonly refusedToken: RefusedToken | undefined;
  private readonly newTokenListeners = new Set<() => void>();

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
    this.reads = new ConsulConnection({ url: options.url, clock, token: () => token?.current().reveal() });
  }

  async services(): Promise<CatalogueEntry[]> {
    const reading = {
      what: 'reading the services of the local Consul agent',
      right: 'service:read and node:read',
    };
    const { deadlineMs } = this.options;
    try {
      const [services, checks] = await Promise.all([
        this.get({ path: 'agent/services', deadlineMs }),
        this.get({ path: 'agent/checks', deadlineMs }),
      ]);
      return fromConsul(() => parseEntries(services.body, checks.body));
    } catch (error) {
      throw explain(error, reading, this.options);
    }
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
    await this.write({ what: `registering ${name}`, right: writing(name) }, (ctx) =>
      this.consul.agent.service.register({ ...ctx, id, name, address, port, tags: [...tags], meta, check }),
    );
  }

  async updateCheck(serviceId: string, status: CheckStatus, text: string): Promise<void> {
    const id = checkId(serviceId);
    const { check } = this.consul.agent;
    const update = { passing: check.pass, warning: check.warn, critical: check.fail }[status].bind(check);
    const updating = { what: `updating the check of ${serviceId}`, right: writing(nameIn(serviceId)) };
    await this.write(updating, (ctx) => update({ ...ctx, id, note: text }));
  }

  async deregister(serviceId: string): Promise<void> {
    try {
      const leaving = { what: `deregistering ${serviceId}`, right: writing(nameIn(serviceId)) };
      await this.write(leaving, (ctx) => this.consul.agent.service.deregister({ ...ctx, id: serviceId }));
    } catch (error) {
      // 1.8 answers 200 for an unknown service, later releases 404: either way it is not there.
      if (asFailure((error as ConsulError).cause).status !== 404) throw error;
    }
  }

  async watchService(
    service: string,
    watcher: ServiceWatcher,
    signal: AbortSignal,
    options: { readonly waitMs?: number } = {},
  ): Promise<void> {
    const { clock, deadlineMs, random, watchWaitMs = 10_000 } = this.options;
    const watching = { what: `watching ${service}`, right: `service:read for ${service} and node:read` };
    const watch = new ConsulWatch({
      connection: { get: (question) => this.get(question) },
      path: `health/service/${encodeURIComponent(service)}`,
      // Consistent: a server that just restarted may answer an ordinary read from a state it has not caught up with.
      query: { consistent: '' },
      waitMs: options.waitMs ?? watchWaitMs,
      deadlineMs,
      retry: retryWatch,
      clock,
      random,
      parse: parseHealth,
      onAnswer: (entries) => watcher.onEntries(entries),
      onFailure: (why, inARow) => {
        if (inARow === 1) watcher.onUnavailable(explain(why, watching, this.options));
      },
    });
    const retry = () => watch.retryNow();
    this.newTokenListeners.add(retry);
    try {
      await watch.run(signal);
    } finally {
      this.newTokenListeners.delete(retry);
    }
  }

  onNewToken(listener: () => void): void {
    this.newTokenListeners.add(listener);
  }

  close(): void {
    this.refusedToken?.stop();
    this.connections.destroy();
    this.reads.close();
  }

  private get(question: Question): Promise<Answer> {
    return this.withToken(() => this.reads.get(question));
  }

  private async write(
    undertaking: Undertaking,
    work: (options: Extra<{ token?: string }>) => Promise<void>,
  ): Promise<void> {
    const { clock, deadlineMs } = this.options;
    try {
      await this.withToken((token) =>
        withDeadline(clock, deadlineMs, undertaking.what, (aborted) => {
          const ctx = new EventEmitter();
          aborted.addEventListener('abort', () => ctx.emit('cancel'), { once: true });
          return work({ ctx, ...(token && { token: token.reveal() }) });
        }),
      );
    } catch (error) {
      throw explain(error, undertaking, this.options);
    }
  }

  /** Once more where Consul refused a token that was replaced in its file meanwhile. */
  private async withToken<T>(call: (token: Secret | undefined) => Promise<T>): Promise<T> {
    const { token } = this.options;
    let used = token?.current();
    try {
      return await call(used).catch(async (error: unknown) => {
        if (!isForbidden(error) || !token) throw error;
        // Another call may have found the new one already.
        if (token.current() === used && !(await token.reread())) throw error;
        used = token.current();
        return call(used);
      });
    } catch (error) {
      if (isForbidden(error) && used) this.refusedToken?.refused(used);
      throw error;
    }
  }
}

function isForbidden(error: unknown): boolean {
  return asFailure(error).kind === 'forbidden';
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
