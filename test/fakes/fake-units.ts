import {
  ServiceManagerError,
  type ServiceManager,
  type ServiceManagerErrorKind,
  type UnitStatus,
} from '../../common/service-manager.js';

/** How many processes a unit has beside its main one, and whether the main one ends at once by itself. */
export interface FakeUnit {
  readonly children?: number;
  /** Its children lead sessions of their own. */
  readonly detached?: boolean;
  readonly brief?: boolean;
}

export interface FakeProcess {
  readonly pid: number;
  readonly session: number;
  readonly startTicks: number;
  readonly unit: string;
  state: 'S' | 'T';
}

/**
 * Units whose processes are entries of a table. `hold` makes orders wait until `release`; `fail` makes the next one fail.
 * Without a list of units every name is one.
 */
export class FakeUnits implements ServiceManager {
  readonly calls: string[] = [];
  processes: FakeProcess[] = [];
  private readonly failed = new Set<string>();
  private gate: Promise<void> = Promise.resolve();
  private failure: ServiceManagerError | undefined;
  private pids = 7;
  release: () => void = () => {};

  constructor(private readonly units?: Readonly<Record<string, FakeUnit>>) {}

  hold(): void {
    this.gate = new Promise((resolve) => (this.release = resolve));
  }

  fail(kind: ServiceManagerErrorKind, message: string): void {
    this.failure = new ServiceManagerError(kind, message);
  }

  async status(name: string): Promise<UnitStatus> {
    await this.order('status', name);
    const main = this.main(name);
    if (!main) return { state: this.failed.has(name) ? 'failed' : 'stopped' };
    return { state: main.state === 'T' ? 'frozen' : 'running', pid: main.pid };
  }

  async start(name: string): Promise<void> {
    await this.order('start', name);
    this.run(name);
  }

  async stop(name: string): Promise<void> {
    await this.order('stop', name);
    this.end(name);
    this.failed.delete(name);
  }

  async restart(name: string): Promise<void> {
    await this.order('restart', name);
    this.end(name);
    this.run(name);
  }

  async kill(name: string): Promise<void> {
    await this.order('kill', name);
    if (this.main(name)) this.failed.add(name);
    this.end(name);
  }

  async freeze(name: string): Promise<void> {
    await this.order('freeze', name);
    this.become(name, 'T');
  }

  async thaw(name: string): Promise<void> {
    await this.order('thaw', name);
    this.become(name, 'S');
  }

  private run(name: string): void {
    if (this.main(name)) return;
    const { brief, children = 0, detached } = this.units?.[name] ?? {};
    if (brief) return void this.failed.add(name);
    this.failed.delete(name);
    const main = this.pids++;
    for (let count = 0; count <= children; count++) {
      const pid = count === 0 ? main : this.pids++;
      const session = detached ? pid : main;
      this.processes.push({ pid, session, startTicks: pid, unit: name, state: 'S' });
    }
  }

  private end(name: string): void {
    this.processes = this.processes.filter(({ unit }) => unit !== name);
  }

  private become(name: string, state: 'S' | 'T'): void {
    if (!this.main(name)) throw new ServiceManagerError('failed', `${name} is not running`);
    for (const process of this.processes) if (process.unit === name) process.state = state;
  }

  private main(name: string): FakeProcess | undefined {
    return this.processes.find(({ unit }) => unit === name);
  }

  private async order(verb: string, name: string): Promise<void> {
    this.calls.push(`${verb} ${name}`);
    await this.gate;
    const { failure } = this;
    this.failure = undefined;
    if (failure) throw failure;
    if (this.units && !(name in this.units))
      throw new ServiceManagerError(
        'unknown',
        `there is no ${name}; known are ${Object.keys(this.units).join(', ')}`,
      );
  }
}
