import type { Policy } from '../../../common/failover/shapes.js';
import type { LeadObservation, ReadShared, Self } from './model.js';
import { isOlderRecord } from './view.js';

/** A standby that has heard nothing from its source for so long, in ms, has the others asked: a primary writes with each probe, once a second by default. */
export const lateMs = 1_050;
/** From whom WAL or a sign of life came so lately, in ms, is alive. */
export const freshMs = 1_500;

export interface Seen extends Pick<LeadObservation, 'isServing'> {
  readonly self: Self | undefined;
  /** In force while Consul holds none. */
  readonly firstPolicy: Policy;
}

/** Whether all that is decided can be decided without asking the other agents. `seen`: what the last look found. */
export function isQuiet(shared: ReadShared, ledger: LeadObservation['ledger'], seen: Seen): boolean {
  const { record, order, leader } = shared;
  const policy = shared.policy.value ?? seen.firstPolicy;
  return (
    record.value !== undefined &&
    record.value.epoch >= Math.max(ledger.seenEpoch, ledger.heardEpoch ?? 0) &&
    !isOlderRecord(record.value, ledger) &&
    record.value.epoch !== ledger.handedOver &&
    // Whoever is to be added must say itself which copy it is.
    ((record.value.durability === 'async' && policy.durability !== 'sync') ||
      (record.value.members.length > 1 && policy.strict !== true)) &&
    order.value === undefined &&
    leader.session !== undefined &&
    !(policy.promotion === 'auto' && isUneasy(seen))
  );
}

/** Another member may be lost, and what Consul says be held up with it. */
export const mayBeDeaf = ({ self, peers }: Pick<LeadObservation, 'self' | 'peers'>): boolean =>
  !isStreaming(self, freshMs) || [...peers.values()].some(({ kind }) => kind === 'unknown');

/** Something may have to be done without an operator. */
function isUneasy({ self, isServing }: Seen): boolean {
  return isServing === false || (self !== undefined && !isStreaming(self, lateMs));
}

function isStreaming(self: Self, withinMs: number): boolean {
  if (self.kind === 'unknown' || self.process !== 'running' || self.writable) return true;
  const { source } = self;
  return source?.streaming === true && (source.heardMs ?? 0) < withinMs;
}
