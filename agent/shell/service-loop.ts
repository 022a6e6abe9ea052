import { sleep, type Clock } from '../../common/clock.js';
import type { Log } from '../../common/runtime/log.js';
import { decide, farewellMs } from '../core/decide.js';
import type { ProbeResult, Reason, Remembered, ServiceModel, ServiceState } from '../core/model.js';
import { reasonText, stateText, warningTexts } from '../core/sentences.js';
import { isMiss, roleOf } from '../core/state.js';
import type { Catalogue } from './catalogue.js';
import type { Echoes } from './echoes.js';
import type { Rivals } from './rivals.js';

export interface ServiceLoopOptions {
  readonly model: ServiceModel;
  readonly catalogue: Catalogue;
  readonly echoes: Pick<Echoes, 'of' | 'performed'>;
  readonly rivals: Pick<Rivals, 'isSuperseded' | 'wrote'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly remembered: Remembered | undefined;
  /** The state's kind or role changed. */
  readonly onChange: () => void;
  /** The next probe is due at once, with so large a share of its deadline. */
  readonly onProbeDue: (deadlineShare: number) => void;
}

/** Observe, decide, perform for one service; at most one decision's actions are being performed at a time. */
export class ServiceLoop {
  private current: ServiceState;
  private probe: ProbeResult | undefined;
  private missesInARow = 0;
  private stopping = false;
  private performing: Promise<void> | undefined;
  private performingSinceMs = 0;
  private observedMs: number;

  constructor(private readonly options: ServiceLoopOptions) {
    this.current = { kind: 'unseen', remembered: options.remembered };
    this.observedMs = options.clock.nowMs();
  }

  /** When it last came round: an observation was made, and nothing decided before is still being performed. */
  get progressMs(): number {
    return this.performing ? Math.min(this.observedMs, this.performingSinceMs) : this.observedMs;
  }

  get state(): ServiceState {
    return this.current;
  }

  get model(): ServiceModel {
    return this.options.model;
  }

  observe(probe: ProbeResult): void {
    this.probe = probe;
    this.observedMs = this.options.clock.nowMs();
    this.missesInARow = isMiss(probe) ? this.missesInARow + 1 : 0;
    this.wake();
  }

  /** Decides on what is known now. Called after every probe and whenever more is known of Consul. */
  wake(): void {
    const { catalogue, clock, echoes, model, rivals } = this.options;
    const observation = {
      nowMs: clock.nowMs(),
      wallMs: clock.wallMs(),
      probe: this.probe,
      missesInARow: this.missesInARow,
      catalogue: catalogue.view(model.id),
      echo: echoes.of(model.id),
      isSuperseded: rivals.isSuperseded,
      stopping: this.stopping,
    };
    const before = this.current;
    const { state, actions, probeAgain, reason } = decide(before, observation, model);
    this.current = state;
    this.announce(before, state);
    if (probeAgain) this.options.onProbeDue(probeAgain.deadlineShare);
    if (this.performing || actions.length === 0) return;
    this.explain(reason);
    this.performingSinceMs = observation.nowMs;
    this.performing = this.performAll(actions).then((done) => {
      this.performing = undefined;
      // The world may have moved on meanwhile. After a failure the catalogue itself wakes this loop.
      if (done) this.wake();
    });
  }

  /** Retracts the service, as far as Consul can be reached. */
  async stop(): Promise<void> {
    const { catalogue, clock, model } = this.options;
    this.stopping = true;
    await this.performing;
    this.wake();
    await this.performing;
    if (catalogue.view(model.id).kind !== 'present') return;
    await sleep(clock, farewellMs);
    this.wake();
    await this.performing;
  }

  private async performAll(actions: ReturnType<typeof decide>['actions']): Promise<boolean> {
    for (const action of actions) {
      const { catalogue, echoes, model, rivals } = this.options;
      const isDone = await catalogue.perform(action);
      echoes.performed(model.id, action.kind);
      if (!isDone) return false;
      if (action.kind === 'register') rivals.wrote();
    }
    return true;
  }

  private announce(before: ServiceState, after: ServiceState): void {
    const text = lineOf(after);
    if (text === lineOf(before)) return;
    const { log, onChange } = this.options;
    log[after.kind === 'passing' ? 'info' : 'warn']({ state: after.kind, role: roleOf(after) }, text);
    if (before.kind !== after.kind || roleOf(before) !== roleOf(after)) onChange();
  }

  private explain(reason: Reason): void {
    const quiet: Reason['kind'][] = ['refresh-due', 'status-differs', 'text-differs', 'stopping'];
    if (!quiet.includes(reason.kind)) this.options.log.info(`registering: ${reasonText(reason)}`);
  }
}

function lineOf(state: ServiceState): string {
  return [stateText(state), ...warningTexts(state)].join('; ');
}
