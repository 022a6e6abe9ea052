import type { CatalogueEntry, CheckStatus, Registration } from '../../agent/core/model.js';
import { ConsulError, type ConsulPort, type ServiceWatcher } from '../../agent/ports.js';
import type { HealthEntry } from '../../common/consul/json.js';

/** A Consul agent in memory, with the faults a test needs. */
export class FakeConsul implements ConsulPort {
  readonly calls: string[] = [];
  /** Resolves when what Consul does about that call is done; its answer tells of the moment it was asked. Default: at once. */
  tookMs: (call: string) => Promise<void> = async () => {};
  private entries = new Map<string, CatalogueEntry>();
  private foreign: HealthEntry[] = [];
  private state: 'up' | 'away' | 'everything forbidden' | 'writing forbidden' = 'up';
  private readonly newTokenListeners: (() => void)[] = [];
  private readonly watchers = new Set<{
    service: string;
    watcher: ServiceWatcher;
    told: string;
    away: boolean;
  }>();

  /** Stops answering. */
  stop(): void {
    this.state = 'away';
    this.tell();
  }

  start(options: { lostState?: boolean } = {}): void {
    if (options.lostState) {
      this.entries = new Map();
      this.foreign = [];
    }
    this.state = 'up';
    this.tell();
  }

  /** What was forbidden is allowed, to a token that was put into its file. */
  replaceToken(): void {
    this.state = 'up';
    for (const listener of this.newTokenListeners) listener();
  }

  forbid(what: 'everything' | 'writing'): void {
    this.state = `${what} forbidden`;
  }

  /** Entries that other boxes registered, passing unless told otherwise. */
  setForeign(
    service: string,
    targets: readonly {
      node: string;
      port: number;
      address?: string;
      tags?: string[];
      meta?: Record<string, string>;
      status?: CheckStatus;
    }[],
  ): void {
    this.foreign = [
      ...this.foreign.filter(({ id }) => !id.startsWith(`${service}@`)),
      ...targets.map(({ node, port, address = '127.0.0.1', tags = [], meta = {}, status = 'passing' }) => ({
        node,
        id: `${service}@${node}`,
        address,
        port,
        tags,
        meta,
        checks: [{ id: `service:${service}@${node}`, status, text: '' } as const],
      })),
    ];
    this.tell();
  }

  put(entry: CatalogueEntry): void {
    this.entries.set(entry.id, entry);
    this.tell();
  }

  entry(id: string): CatalogueEntry | undefined {
    return this.entries.get(id);
  }

  async services(): Promise<CatalogueEntry[]> {
    this.gate('services');
    const listed = [...this.entries.values()];
    await this.tookMs('services');
    return listed;
  }

  async register(registration: Registration): Promise<void> {
    await this.asked(`register ${registration.id} [${registration.tags.join()}]`);
    const { checkTtlMs: _, initialStatus, ...entry } = registration;
    const kept = this.entries.get(registration.id)?.check;
    this.put({ ...entry, check: kept ?? { status: initialStatus, text: '', refreshedMs: undefined } });
  }

  async updateCheck(serviceId: string, status: CheckStatus, text: string): Promise<void> {
    await this.asked(`update-check ${serviceId} ${status}`);
    const entry = this.entries.get(serviceId);
    if (!entry?.check) throw new ConsulError('failed', `there is no check of ${serviceId}`);
    this.put({ ...entry, check: { status, text, refreshedMs: undefined } });
  }

  async deregister(serviceId: string): Promise<void> {
    await this.asked(`deregister ${serviceId}`);
    this.entries.delete(serviceId);
    this.tell();
  }

  watchService(service: string, watcher: ServiceWatcher, signal: AbortSignal): Promise<void> {
    const watch = { service, watcher, told: '', away: false };
    this.watchers.add(watch);
    queueMicrotask(() => this.tell());
    return new Promise((resolve) =>
      signal.addEventListener(
        'abort',
        () => {
          this.watchers.delete(watch);
          resolve();
        },
        { once: true },
      ),
    );
  }

  onNewToken(listener: () => void): void {
    this.newTokenListeners.push(listener);
  }

  private async asked(call: string): Promise<void> {
    this.gate(call);
    await this.tookMs(call);
  }

  private gate(call: string): void {
    this.calls.push(call);
    if (this.state === 'away')
      throw new ConsulError('refused', 'Consul is not reachable (connection refused)');
    if (this.state === 'everything forbidden' || (this.state === 'writing forbidden' && call !== 'services'))
      throw new ConsulError('forbidden', `Consul refused ${call}: the token may not do that`);
  }

  private tell(): void {
    for (const watch of this.watchers) {
      if (this.state === 'away') {
        if (!watch.away) watch.watcher.onUnavailable(new ConsulError('refused', 'Consul is not reachable'));
        watch.away = true;
        continue;
      }
      const listed = this.listed(watch.service);
      const text = JSON.stringify(listed);
      if (text === watch.told && !watch.away) continue;
      Object.assign(watch, { told: text, away: false });
      watch.watcher.onEntries(listed);
    }
  }

  private listed(service: string): HealthEntry[] {
    const own = [...this.entries.values()]
      .filter(({ name }) => name === service)
      .map(({ id, address, port, tags, meta, check }) => ({
        node: 'test',
        id,
        address,
        port,
        tags,
        meta,
        checks: check ? [{ id: `service:${id}`, status: check.status, text: check.text }] : [],
      }));
    return [...own, ...this.foreign.filter(({ id }) => id.startsWith(`${service}@`))];
  }
}
