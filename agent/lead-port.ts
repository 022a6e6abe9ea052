import type { LeadAction, Ledger, Outcome, Peer, Self } from './core/lead/model.js';

/** Whoever has Postgres' rights on this box. No call rejects. */
export interface KeeperPort {
  look(signal?: AbortSignal): Promise<Self>;
  /** Undefined: that is not the keeper's to do. `timeline`: of the position that a closed gate comes back with. */
  perform(
    action: LeadAction,
    timeline: number,
    signal: AbortSignal,
    onProgress: (text: string) => void,
  ): Promise<Outcome> | undefined;
}

/** What must survive the agent: on disk, file and folder, when `write` resolves (D5). */
export interface LedgerPort {
  /** Rejects when there is a file that cannot be read: nothing may be decided without it. */
  read(): Promise<Ledger>;
  write(ledger: Ledger): Promise<void>;
}

/** The agents of the other members. A member whose agent does not answer is `unknown`. Never rejects. */
export interface PeersPort {
  ask(member: string, signal: AbortSignal): Promise<Peer>;
}
