import type { AgentStatus } from '../../common/agent/status.js';
import type { Clock, Timer } from '../../common/clock.js';
import type { Log } from '../../common/runtime/log.js';
import { hangingLoops, type LoopProgress } from '../core/progress.js';
import type { Notifier } from '../ports.js';

/** How often the status line is compared where no watchdog waits, in ms. */
const idleBeatMs = 10_000;

export interface LifeSignsOptions {
  readonly notifier: Notifier;
  readonly clock: Clock;
  readonly log: Log;
  readonly loops: () => readonly LoopProgress[];
  readonly status: () => AgentStatus;
}

/** Tells the service manager that the agent is ready, what it sees, and, as long as every loop moves, that it is alive. */
export class LifeSigns {
  private readonly beatMs: number;
  private timer: Timer | undefined;
  private lastBeatMs: number;
  private told: string | undefined;
  private hanging = '';

  constructor(private readonly options: LifeSignsOptions) {
    const { watchdogMs } = options.notifier;
    this.beatMs = watchdogMs === undefined ? idleBeatMs : watchdogMs / 3;
    this.lastBeatMs = options.clock.nowMs();
  }

  /** To be called when the agent listens and its loops have begun. */
  start(): void {
    this.options.notifier.ready();
    this.changed();
    this.beat();
  }

  /** The status may read differently now. */
  changed(): void {
    const line = statusLine(this.options.status());
    if (line === this.told || this.timer === undefined) return;
    this.told = line;
    this.options.notifier.status(line);
  }

  stop(): void {
    this.timer?.cancel();
    this.timer = undefined;
    this.options.notifier.stopping();
  }

  private beat(): void {
    const { clock, log, loops, notifier } = this.options;
    const nowMs = clock.nowMs();
    const stoodStillMs = Math.max(0, nowMs - this.lastBeatMs - this.beatMs);
    this.lastBeatMs = nowMs;
    this.timer = clock.after(this.beatMs, () => this.beat());
    const hanging = hangingLoops(loops(), nowMs, stoodStillMs);
    const names = hanging.map(({ name }) => name).join(', ');
    if (names === '') notifier.alive();
    else if (names !== this.hanging)
      log.error(`the loop of ${names} hangs: the watchdog is not fed until it moves, and may end this agent`);
    this.hanging = names;
    this.changed();
  }
}

/** One line for `systemctl status`. */
export function statusLine({ services, consul }: AgentStatus): string {
  const each = services.map(({ name, role, state }) => `${name}${role ? ` (${role})` : ''} ${state}`);
  return [...each, consul.reachable ? 'Consul reachable' : 'Consul not reachable'].join(', ');
}
