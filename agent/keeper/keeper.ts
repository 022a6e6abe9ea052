import type { Clock } from '../../common/clock.js';
import { callKeeper } from '../../common/keeper/client.js';
import type { LeadAction, Outcome, Self } from '../core/lead/model.js';
import { orderFor } from './orders.js';
import { positionOf } from './position.js';
import type { KeeperPort } from '../lead-port.js';
import { selfOf } from './self.js';

export interface KeeperOptions {
  /** Path of the keeper's socket. */
  readonly socket: string;
  readonly member: string;
  readonly clock: Clock;
}

/** The keeper of this box. No call rejects. */
export class Keeper implements KeeperPort {
  constructor(private readonly options: KeeperOptions) {}

  async look(signal?: AbortSignal): Promise<Self> {
    const { socket, clock } = this.options;
    const answer = await callKeeper<'facts'>({ verb: 'facts' }, { socket, clock, ...(signal && { signal }) });
    return answer.outcome === 'done' ? selfOf(answer.result) : { kind: 'unknown', why: answer.sentence };
  }

  /** Undefined: not the keeper's to do. `timeline`: of the position that a closed gate comes back with. */
  perform(
    action: LeadAction,
    timeline: number,
    signal: AbortSignal,
    onProgress: (text: string) => void,
  ): Promise<Outcome> | undefined {
    const request = orderFor(action, this.options.member);
    return request && this.order(request, action, timeline, signal, onProgress);
  }

  private async order(
    request: NonNullable<ReturnType<typeof orderFor>>,
    action: LeadAction,
    timeline: number,
    signal: AbortSignal,
    onProgress: (text: string) => void,
  ): Promise<Outcome> {
    const { socket, clock } = this.options;
    const answer = await callKeeper(request, { socket, clock, signal, onProgress });
    if (answer.outcome === 'done') {
      const lsn = 'barrierLsn' in answer.result ? answer.result.barrierLsn : undefined;
      const kept = 'kept' in answer.result ? answer.result.kept : undefined;
      return {
        kind: 'done',
        action,
        ...(lsn === undefined ? {} : { position: positionOf(timeline, lsn) }),
        ...(kept === undefined ? {} : { kept }),
      };
    }
    return {
      kind: answer.outcome,
      action,
      why: answer.sentence,
      ...(answer.outcome === 'refused' ? { reason: answer.reason } : {}),
    };
  }
}
