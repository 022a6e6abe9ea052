import type { Record } from '../../../common/failover/shapes.js';
import type { LeadAction, Ledger } from './model.js';
import type { Lease, Situation, View } from './view.js';

/**
 * One line of the table. The first whose `situation`, `lease` and `when` fit decides. Documentation and events name it by its id.
 */
export interface Row {
  readonly id: string;
  /** Rules of docs/FAILOVER.md that it keeps. */
  readonly rules: readonly string[];
  readonly in: readonly Situation[] | 'any';
  readonly lease: readonly Lease[] | 'any';
  /** In words, for the documentation. */
  readonly condition?: string;
  readonly when?: (view: View) => boolean;
  /** Undefined: wait. */
  readonly does?: (view: View) => LeadAction | undefined;
  /** What is done, in words, for the documentation. */
  readonly doing: string;
  /** One sentence for status and log. */
  readonly says: (view: View) => string;
  /** Decide again after so many ms though nothing new is seen. */
  readonly wakeAfterMs?: number | ((view: View) => number | undefined);
}

export const writable: readonly Situation[] = ['gated', 'open'];

/** What must be on disk comes first (D5); then the action itself. */
export function after(view: View, change: Partial<Ledger>, action: LeadAction): LeadAction {
  const { ledger } = view.seen;
  const wanted = { ...ledger, ...change };
  const isKept = (Object.keys(change) as (keyof Ledger)[]).every((key) => ledger[key] === wanted[key]);
  return isKept ? action : { kind: 'remember', ledger: wanted };
}

/** The lease, or what it needs first: a session. */
export function take(view: View, epoch: number, first?: Record): LeadAction {
  const { session, ledger } = view.seen;
  if (session.kind !== 'valid') return { kind: 'open-session' };
  const isTakenBack = ledger.handedOver !== undefined && ledger.handedOver === view.record?.epoch;
  return after(
    view,
    {
      session: session.id,
      handedOver: undefined,
      ...(isTakenBack ? { takenBack: view.record?.revision ?? 0 } : {}),
      ...(first ? { epoch, holder: true } : {}),
    },
    { kind: 'acquire', epoch, ...(first ? { first } : {}) },
  );
}
