import { sleep, type Clock } from '../../common/clock.js';
import { codeOf, messageOf } from '../../common/errors.js';
import { ServiceManagerError, type ServiceManager, type UnitStatus } from '../../common/service-manager.js';
import { failureOf, parseUnit, processState, unitProperties, type Ran, type UnitFacts } from './systemctl.js';

/** Runs a program on the box and waits for its end, at most `timeoutMs`. Rejects only when it cannot be started. */
export type CommandRunner = (
  program: string,
  args: readonly string[],
  options: { readonly timeoutMs: number },
) => Promise<Ran>;

export interface SystemdOptions {
  /** The only units it touches. */
  readonly units: readonly string[];
  readonly run: CommandRunner;
  readonly clock: Clock;
  /** For a question or a signal, in ms. Default 5,000. */
  readonly askMs?: number;
  /** For a start, stop or restart, in ms. Default 100,000: systemd's own limit for each is 90 s. */
  readonly changeMs?: number;
}

const pollMs = 50;
/** How long the kernel may take to end processes after SIGKILL, in ms; longer means a hung disk. */
const killMs = 10_000;

/** Units of the box's systemd, by `systemctl`. Every call is bounded and rejects with a ServiceManagerError only. */
export class SystemdManager implements ServiceManager {
  private readonly askMs: number;
  private readonly changeMs: number;

  constructor(private readonly options: SystemdOptions) {
    this.askMs = options.askMs ?? 5_000;
    this.changeMs = options.changeMs ?? 100_000;
  }

  async status(unit: string): Promise<UnitStatus> {
    return this.statusOf(unit, await this.facts(unit));
  }

  async start(unit: string): Promise<void> {
    await this.change('start', unit);
  }

  async stop(unit: string): Promise<void> {
    await this.change('stop', unit);
  }

  async restart(unit: string): Promise<void> {
    await this.change('restart', unit);
  }

  async kill(unit: string): Promise<void> {
    const before = await this.facts(unit);
    if (before.pid === 0) return;
    await this.signal(unit, 'SIGKILL');
    const { clock } = this.options;
    const deadline = clock.nowMs() + killMs;
    for (;;) {
      const now = await this.facts(unit);
      // A unit with Restart= may run again, which is another invocation.
      if (now.pid === 0 || now.invocation !== before.invocation) return;
      if (clock.nowMs() > deadline)
        throw new ServiceManagerError(
          'late',
          `${unit} does not end even after SIGKILL (pid ${now.pid}); is its disk hung?`,
        );
      await sleep(clock, pollMs);
    }
  }

  async freeze(unit: string): Promise<void> {
    await this.mustRun(unit);
    // The freezer of cgroup v2 would do, but not every box has it.
    await this.signal(unit, 'SIGSTOP');
  }

  async thaw(unit: string): Promise<void> {
    await this.mustRun(unit);
    await this.signal(unit, 'SIGCONT');
  }

  private async mustRun(unit: string): Promise<void> {
    if ((await this.facts(unit)).pid === 0) throw new ServiceManagerError('failed', `${unit} is not running`);
  }

  private async change(verb: 'start' | 'stop' | 'restart', unit: string): Promise<void> {
    // systemctl's own answers differ from verb to verb for a unit that is not there.
    await this.facts(unit);
    await this.systemctl([verb, unit], unit, this.changeMs);
  }

  private async signal(unit: string, signal: string): Promise<void> {
    await this.systemctl(['kill', '--kill-whom=all', `--signal=${signal}`, unit], unit, this.askMs);
  }

  private async facts(unit: string): Promise<UnitFacts> {
    const { units } = this.options;
    if (!units.includes(unit))
      throw new ServiceManagerError('unknown', `there is no ${unit}; known are ${units.join(', ')}`);
    const args = ['show', `--property=${unitProperties.join(',')}`, unit];
    const facts = parseUnit(unit, await this.systemctl(args, unit, this.askMs));
    if (!facts.known)
      throw new ServiceManagerError('unknown', `there is no unit ${unit} on this box; is it installed?`);
    return facts;
  }

  private async statusOf(unit: string, facts: UnitFacts): Promise<UnitStatus> {
    const { activeState, pid, subState } = facts;
    if (pid !== 0) return { state: (await this.isStopped(pid)) ? 'frozen' : 'running', pid };
    if (activeState === 'inactive') return { state: 'stopped' };
    // Between its end and the next attempt of Restart= it is "activating (auto-restart)".
    if (activeState === 'failed' || activeState === 'activating' || activeState === 'deactivating')
      return { state: 'failed' };
    throw new ServiceManagerError(
      'unclear',
      `${unit} is ${activeState} (${subState}) without a process; name the unit that holds the program`,
    );
  }

  private async isStopped(pid: number): Promise<boolean> {
    const ran = await this.run('cat', [`/proc/${pid}/stat`], this.askMs);
    // It may have ended meanwhile; whoever asks next hears so.
    return ran.exitCode === 0 && processState(ran.stdout) === 'T';
  }

  /** Standard output of a `systemctl` that succeeded. */
  private async systemctl(args: readonly string[], unit: string, deadlineMs: number): Promise<string> {
    const ran = await this.run('systemctl', ['--no-ask-password', '--no-pager', ...args], deadlineMs);
    if (ran.exitCode !== 0 || ran.timedOut) throw failureOf(args, unit, ran, deadlineMs);
    return ran.stdout;
  }

  private async run(program: string, args: readonly string[], timeoutMs: number): Promise<Ran> {
    try {
      return await this.options.run(program, args, { timeoutMs });
    } catch (error) {
      const why = codeOf(error) === 'ENOENT' ? 'there is no such program on this box' : messageOf(error);
      throw new ServiceManagerError('unclear', `${program} cannot be run: ${why}`, { cause: error });
    }
  }
}
