import type { Snapshot } from '../../../common/failover/snapshot.js';
import { messageOf } from '../../../common/errors.js';
import type { Log } from '../../../common/runtime/log.js';
import type { LeadAction, Ledger, Outcome, Self } from '../../core/lead/model.js';
import type { LeasePort, Written } from '../../lease-port.js';
import type { KeeperPort } from '../../lead-port.js';
import { transactionFor } from './shared.js';

export interface PerformerOptions {
  readonly member: string;
  readonly keeper: KeeperPort;
  readonly lease: LeasePort;
  readonly startProcess: (signal: AbortSignal) => Promise<void>;
  /** Resolves when it is on disk. */
  readonly remember: (ledger: Ledger) => Promise<void>;
  readonly opened: (session: string) => void;
  /** What stood in Consul at the moment of an own write, and what that was decided from. */
  readonly wrote: (snapshot: Snapshot, was: Snapshot) => void;
  readonly log: Log;
}

/** What the action was decided from. */
export interface Basis {
  readonly snapshot: Snapshot;
  readonly self: Self;
  readonly ledger: Ledger;
}

/** Carries out one action. Never rejects: how it ended is observed next. */
export class Performer {
  constructor(private readonly options: PerformerOptions) {}

  async perform(action: LeadAction, basis: Basis, signal: AbortSignal): Promise<Outcome> {
    try {
      return await this.carryOut(action, basis, signal);
    } catch (error) {
      return { kind: 'failed', action, why: messageOf(error) };
    }
  }

  private async carryOut(action: LeadAction, basis: Basis, signal: AbortSignal): Promise<Outcome> {
    const { keeper, log, member, remember, startProcess } = this.options;
    const done: Outcome = { kind: 'done', action };
    switch (action.kind) {
      case 'remember':
        await remember(action.ledger);
        return done;
      case 'start-process':
        await startProcess(signal);
        return done;
      case 'open-session':
        return this.openSession(action, basis.ledger, signal);
      case 'end-session': {
        const ended = await this.options.lease.destroySession(action.session, signal);
        return ended.kind === 'done' ? done : { ...ended, action };
      }
      default: {
        const holder = { session: basis.ledger.session ?? '', member };
        const transaction = transactionFor(action, basis.snapshot, holder);
        // Another has taken its place, or it was taken back.
        if (!transaction && action.kind === 'drop-order')
          return { kind: 'refused', action, why: 'another order stands, or none', reason: 'conflict' };
        if (transaction)
          return this.written(action, basis, await this.options.lease.write(transaction, signal));
        const timeline = basis.self.kind === 'known' ? (basis.self.history?.timeline ?? 1) : 1;
        const kept = keeper.perform(action, timeline, signal, (text) =>
          log.info({ action: action.kind }, text),
        );
        return (await kept) ?? { kind: 'failed', action, why: `nothing carries out ${action.kind}` };
      }
    }
  }

  private async openSession(action: LeadAction, ledger: Ledger, signal: AbortSignal): Promise<Outcome> {
    const opened = await this.options.lease.openSession(ledger.session, signal);
    if (opened.kind !== 'open') return { ...opened, action };
    this.options.opened(opened.id);
    if (opened.id !== ledger.session) await this.options.remember({ ...ledger, session: opened.id });
    return { kind: 'done', action };
  }

  private written(action: LeadAction, { snapshot }: Basis, written: Written): Outcome {
    if (written.kind === 'applied') {
      this.options.wrote(written.snapshot, snapshot);
      return { kind: 'done', action };
    }
    if (written.kind !== 'conflict') return { ...written, action };
    const [{ why }] = written.conflicts;
    return { kind: 'refused', action, why, reason: 'conflict' };
  }
}
