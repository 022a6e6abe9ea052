import type { Clock, Timer } from '../../common/clock.js';
import type { Log } from '../../common/runtime/log.js';
import { decide, initialState } from '../core/decide.js';
import { roleOf } from '../core/health.js';
import type {
  Action,
  Decision,
  Health,
  LeadWord,
  ServiceState,
  Observation,
  ProbeReading,
  Reason,
  Remembered,
  ServiceModel,
} from '../core/model.js';
import type { Attempt } from '../core/publish/attempt.js';
import { reasonText, stateText, warningTexts } from '../core/sentences.js';
import type { Catalogue } from './catalogue.js';
import type { Echoes } from './echoes.js';
import type { Rivals } from './rivals.js';

export interface ControlLoopOptions {
  readonly model: ServiceModel;
  readonly catalogue: Pick<Catalogue, 'view' | 'perform' | 'isSettling'>;
  readonly echoes: Pick<Echoes, 'of' | 'performed'>;
  readonly rivals: Pick<Rivals, 'isSuperseded' | 'wrote'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly remembered: Remembered | undefined;
  /** Undefined: roles are not managed here. */
  readonly lead?: (() => LeadWord) | undefined;
  /** The state's kind or role changed. */
  readonly onChange: () => void;
  /** The next probe is due at once, with so large a share of its deadline. */
  readonly onProbeDue: (deadlineShare: number) => void;
  /** Something was written into Consul, or tried. */
  readonly onPerformed?: () => void;
}

/**
 * Observe, decide, perform for one service. One action is performed at a time, the first of the newest decision; how it
 * ended is observed, and all is decided anew.
 */
export class ControlLoop {
  private current: ServiceState;
  // Observed since the last decision.
  private probe: ProbeReading | undefined;
  private attempt: Attempt | undefined;
  private hasNewToken = false;
  private stoppingSinceMs: number | undefined;
  private stopped = false;
  private isLeaving = false;
  private readonly onLeft: (() => void)[] = [];
  private performing: Promise<void> | undefined;
  private performingSinceMs = 0;
  private observedMs: number;
  private timer: Timer | undefined;

  constructor(private readonly options: ControlLoopOptions) {
    this.current = initialState(options.remembered);
    this.observedMs = options.clock.nowMs();
  }

  /** When it last came round: a probe ended, and no action that began before is still being performed. */
  get progressMs(): number {
    return this.performing ? Math.min(this.observedMs, this.performingSinceMs) : this.observedMs;
  }

  /** When the newest probe that has ended was asked, monotonic ms. */
  get probedMs(): number | undefined {
    return this.current.probedMs;
  }

  get health(): Health {
    return this.current.health;
  }

  /** A sentence when Consul refuses to be told of this service. */
  get complaint(): string | undefined {
    return this.current.publishing.complaint;
  }

  get model(): ServiceModel {
    return this.options.model;
  }

  observe(probe: ProbeReading): void {
    this.probe = probe;
    this.observedMs = this.options.clock.nowMs();
    this.wake();
  }

  /** A token that was refused is another one now. */
  tokenReplaced(): void {
    this.hasNewToken = true;
    this.wake();
  }

  /** Decides on what is known now. Called after every probe and whenever more is known of Consul. */
  wake(): void {
    if (this.stopped) return;
    const { clock, onProbeDue } = this.options;
    const before = this.current;
    const { state, actions, probeAgain, reasons, wakeAtMs } = this.decide(this.observation());
    this.current = state;
    this.announce(before, state);
    if (probeAgain) onProbeDue(probeAgain.deadlineShare);
    if (reasons.publish.kind === 'left') for (const tell of this.onLeft.splice(0)) tell();
    this.timer?.cancel();
    if (wakeAtMs !== undefined)
      this.timer = clock.after(Math.max(0, wakeAtMs - clock.nowMs()), () => this.wake());
    const [action] = actions;
    if (this.performing || !action) return;
    this.explain(reasons.publish);
    this.performingSinceMs = clock.nowMs();
    this.performing = this.perform(action);
  }

  /** Takes the service out of the catalogue, for as long as this agent runs. Resolves when that is done. */
  leave(): Promise<void> {
    this.isLeaving = true;
    return new Promise((resolve) => {
      this.onLeft.push(resolve);
      this.wake();
    });
  }

  /** Says once more what is true, as far as Consul can be reached, and nothing after that. */
  async stop(): Promise<void> {
    this.stoppingSinceMs = this.options.clock.nowMs();
    this.wake();
    while (this.performing) await this.performing;
    this.stopped = true;
    this.timer?.cancel();
  }

  private decide(observation: Observation): Decision {
    const { model } = this.options;
    try {
      return decide(this.current, observation, model);
    } catch (cause) {
      // No trouble with the world, so it is not for whoever woke this loop to deal with: it ends the agent.
      throw new Error(`the agent's decision about ${model.name} failed`, { cause });
    }
  }

  private observation(): Observation {
    const { catalogue, clock, echoes, model, rivals } = this.options;
    const { attempt, hasNewToken, isLeaving, probe, stoppingSinceMs } = this;
    this.probe = undefined;
    this.attempt = undefined;
    this.hasNewToken = false;
    return {
      nowMs: clock.nowMs(),
      wallMs: clock.wallMs(),
      probe,
      attempt,
      catalogue: catalogue.view(model.id),
      echo: echoes.of(model.id),
      isConsulSettling: catalogue.isSettling,
      hasNewToken,
      isSuperseded: rivals.isSuperseded,
      isLeaving,
      stoppingSinceMs,
      lead: this.options.lead?.(),
    };
  }

  private async perform(action: Action): Promise<void> {
    const { catalogue, echoes, model, rivals } = this.options;
    const attempt = await catalogue.perform(action);
    echoes.performed(model.id, action.kind);
    if (action.kind === 'register' && attempt.outcome.kind === 'done') rivals.wrote();
    this.attempt = attempt;
    this.performing = undefined;
    this.options.onPerformed?.();
    this.wake();
  }

  private announce(before: ServiceState, after: ServiceState): void {
    const { log, onChange } = this.options;
    const { complaint } = after.publishing;
    if (complaint !== undefined && complaint !== before.publishing.complaint) log.warn(complaint);
    const { health } = after;
    const text = lineOf(health);
    if (text === lineOf(before.health)) return;
    log[health.kind === 'passing' ? 'info' : 'warn']({ state: health.kind, role: roleOf(health) }, text);
    if (before.health.kind !== health.kind || roleOf(before.health) !== roleOf(health)) onChange();
  }

  private explain(reason: Reason): void {
    const quiet: Reason['kind'][] = ['refresh-due', 'status-differs', 'text-differs', 'leaving'];
    if (!quiet.includes(reason.kind)) this.options.log.info(`registering: ${reasonText(reason)}`);
  }
}

function lineOf(health: Health): string {
  return [stateText(health), ...warningTexts(health)].join('; ');
}
