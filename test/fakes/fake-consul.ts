import type { CatalogueEntry, CheckStatus, Registration } from '../../agent/core/model.js';
import { ConsulError, type ConsulPort, type Instance, type PassingWatcher } from '../../agent/ports.js';

/** A Consul agent in memory, with the faults a test needs. */
export class FakeConsul implements ConsulPort {
  readonly calls: string[] = [];
  private entries = new Map<string, CatalogueEntry>();
  private foreign: Instance[] = [];
  private state: 'up' | 'away' | 'everything forbidden' | 'writing forbidden' = 'up';
  private readonly watchers = new Set<{
    service: string;
    watcher: PassingWatcher;
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

  forbid(what: 'everything' | 'writing'): void {
    this.state = `${what} forbidden`;
  }

  /** Passing instances that other boxes registered. */
  setForeign(service: string, targets: readonly { node: string; port: number; tags?: string[] }[]): void {
    this.foreign = [
      ...this.foreign.filter(({ id }) => !id.startsWith(`${service}@`)),
      ...targets.map(({ node, port, tags = [] }) => ({
        node,
        id: `${service}@${node}`,
        address: '127.0.0.1',
        port,
        tags,
        meta: {},
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
    return [...this.entries.values()];
  }

  async register(registration: Registration): Promise<void> {
    this.gate(`register ${registration.id} [${registration.tags.join()}]`);
    const { checkTtlMs: _, initialStatus, ...entry } = registration;
    const kept = this.entries.get(registration.id)?.check;
    this.put({ ...entry, check: kept ?? { status: initialStatus, text: '', refreshedMs: undefined } });
  }

  async updateCheck(serviceId: string, status: CheckStatus, text: string): Promise<void> {
    this.gate(`update-check ${serviceId} ${status}`);
    const entry = this.entries.get(serviceId);
    if (!entry?.check) throw new ConsulError('failed', `there is no check of ${serviceId}`);
    this.put({ ...entry, check: { status, text, refreshedMs: undefined } });
  }

  async deregister(serviceId: string): Promise<void> {
    this.gate(`deregister ${serviceId}`);
    this.entries.delete(serviceId);
    this.tell();
  }

  watchPassing(service: string, watcher: PassingWatcher, signal: AbortSignal): Promise<void> {
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

  private gate(call: string): void {
    this.calls.push(call);
    if (this.state === 'away')
      throw new ConsulError('unreachable', 'Consul is not reachable (connection refused)');
    if (this.state === 'everything forbidden' || (this.state === 'writing forbidden' && call !== 'services'))
      throw new ConsulError('forbidden', `Consul refused ${call}: the token may not do that`);
  }

  private tell(): void {
    for (const watch of this.watchers) {
      if (this.state === 'away') {
        if (!watch.away)
          watch.watcher.onUnavailable(new ConsulError('unreachable', 'Consul is not reachable'));
        watch.away = true;
        continue;
      }
      const instances = this.passing(watch.service);
      const text = JSON.stringify(instances);
      if (text === watch.told && !watch.away) continue;
      Object.assign(watch, { told: text, away: false });
      watch.watcher.onInstances(instances);
    }
  }

  private passing(service: string): Instance[] {
    const own = [...this.entries.values()]
      .filter(({ name, check }) => name === service && check?.status === 'passing')
      .map(({ id, address, port, tags, meta }) => ({ node: 'test', id, address, port, tags, meta }));
    return [...own, ...this.foreign.filter(({ id }) => id.startsWith(`${service}@`))];
  }
}
