import {
  ServiceManagerError,
  type ServiceManager,
  type ServiceManagerErrorKind,
  type UnitStatus,
} from '../../common/service-manager.js';

/** Units that only change their state. `hold` makes orders wait until `release`; `fail` makes the next one fail. */
export class FakeUnits implements ServiceManager {
  readonly calls: string[] = [];
  private readonly states = new Map<string, UnitStatus>();
  private gate: Promise<void> = Promise.resolve();
  private failure: ServiceManagerError | undefined;
  release: () => void = () => {};

  hold(): void {
    this.gate = new Promise((resolve) => (this.release = resolve));
  }

  fail(kind: ServiceManagerErrorKind, message: string): void {
    this.failure = new ServiceManagerError(kind, message);
  }

  async status(name: string): Promise<UnitStatus> {
    await this.order(`status ${name}`);
    return this.states.get(name) ?? { state: 'stopped' };
  }

  start = (name: string) => this.become('start', name, { state: 'running', pid: 7 });
  stop = (name: string) => this.become('stop', name, { state: 'stopped' });
  restart = (name: string) => this.become('restart', name, { state: 'running', pid: 8 });
  kill = (name: string) => this.become('kill', name, { state: 'failed' });
  freeze = (name: string) => this.become('freeze', name, { state: 'frozen', pid: 7 });
  thaw = (name: string) => this.become('thaw', name, { state: 'running', pid: 7 });

  private async become(verb: string, name: string, status: UnitStatus): Promise<void> {
    await this.order(`${verb} ${name}`);
    this.states.set(name, status);
  }

  private async order(call: string): Promise<void> {
    this.calls.push(call);
    await this.gate;
    const { failure } = this;
    this.failure = undefined;
    if (failure) throw failure;
  }
}
