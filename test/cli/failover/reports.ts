import type { FailoverReport } from '../../../common/failover/report.js';
import type { FailoverEvent, FailoverOrder } from '../../../common/failover/shapes.js';

export type Shared = Extract<FailoverReport['shared'], { kind: 'read' }>;
export const policy: Shared['policy'] = {
  roles: 'managed',
  promotion: 'manual',
  durability: 'async',
  strict: false,
  paused: false,
};

/** What stands in Consul: the record of that epoch names `primary`. */
export const sharedOf = (primary: string, epoch: number, more: Partial<Shared> = {}): Shared => ({
  kind: 'read',
  isHeld: true,
  leader: { member: primary, epoch },
  epoch,
  record: {
    epoch,
    durability: 'async',
    members: [{ name: primary, incarnation: 'a' }],
    history: { systemId: '1', timeline: epoch, forks: [] },
  },
  policy,
  ...more,
});

export function reportOf(member: string, more: Partial<FailoverReport> = {}): FailoverReport {
  return {
    service: 'pg',
    member,
    epoch: 3,
    self: { kind: 'unknown', why: 'a test' },
    eligible: { ok: true },
    row: 'following',
    sentence: 'follows pg1',
    publish: 'replica',
    holdsLease: false,
    shared: sharedOf('pg1', 3),
    warnings: [],
    ...more,
  };
}

/** A member that is known to have that position. */
export const at = (position: string): FailoverReport['self'] => ({
  kind: 'known',
  managed: true,
  data: 'present',
  process: 'running',
  writable: false,
  gate: { kind: 'closed', proven: true },
  draining: false,
  incarnation: 'b',
  position,
  feeds: [],
  slots: [],
  replayPaused: false,
  checkpointed: true,
});

export const switchover: FailoverOrder = {
  kind: 'switchover',
  id: 'o1',
  from: 'pg1',
  to: 'pg2',
  handedOver: false,
};

export const eventOf = (kind: FailoverEvent['kind'], more: Partial<FailoverEvent> = {}): FailoverEvent => ({
  id: `${kind} 1`,
  atMs: 0,
  kind,
  member: 'pg2',
  epoch: 4,
  order: 'o1',
  rule: 'O4',
  cause: 'a test',
  ...more,
});
