import type {
  KnownSelf,
  LeadConfig,
  LeadObservation,
  ReadShared,
} from '../../../../agent/core/lead/model.js';
import type { Policy } from '../../../../common/failover/shapes.js';
import type { Snapshot } from '../../../../common/failover/snapshot.js';

export const policy: Policy = {
  roles: 'managed',
  promotion: 'manual',
  durability: 'async',
  strict: false,
  paused: false,
};
export const place = { address: '127.0.0.1', port: 5432 };
export const history = { systemId: '1', timeline: 1, forks: [] };

/** A managed Postgres that runs and answers: a primary with an open gate, or a standby behind its own. */
export const running = (writable: boolean): KnownSelf => ({
  kind: 'known',
  managed: true,
  data: 'present',
  process: 'running',
  writable,
  gate: writable ? { kind: 'open', proven: true } : { kind: 'closed', proven: true },
  draining: false,
  busy: undefined,
  incarnation: 'a',
  origin: '1',
  history,
  position: '1/0/100',
  statements: 0,
  source: undefined,
  feeds: [],
  slots: [],
  replayPaused: false,
  checkpointed: true,
});

/** The members of this service are pg1 and pg2, and any two positions are the same; unless told otherwise. */
export const configOf = (member: string, own: Partial<LeadConfig> = {}): LeadConfig => ({
  member,
  members: new Map([
    ['pg1', { address: '10.0.0.1', port: 5432 }],
    ['pg2', { address: '10.0.0.2', port: 5432 }],
  ]),
  firstPolicy: policy,
  compare: () => 0,
  distance: () => 0,
  hasAllOf: () => true,
  maxLag: 0,
  isEligible: true,
  ...own,
});

const absent = { kind: 'absent', index: 0 } as const;
/** Consul holds nothing of the service. */
export const emptySnapshot: Snapshot = {
  leader: absent,
  holder: undefined,
  epoch: absent,
  record: absent,
  policy: absent,
  order: absent,
};

export const keyed = <T>(value: T) => ({ index: 1, value });

/** A record of one epoch, that holder first, and who holds the lease now. */
export function sharedOf(
  { epoch, names, ...about }: { epoch: number; names: readonly string[]; policy?: Policy },
  session: string | undefined,
): ReadShared {
  const inForce = about.policy ?? policy;
  const members = names.map((name) => ({ name, incarnation: 'a' }));
  return {
    kind: 'read',
    leader: { ...keyed({ member: names[0]!, epoch }), session },
    epoch: keyed(epoch),
    record: keyed({ epoch, durability: inForce.durability, members, history }),
    policy: keyed(inForce),
    order: { index: 0, value: undefined },
  };
}

/** At time 0, with nothing going on. */
export const observed = (
  own: Partial<LeadObservation> & Pick<LeadObservation, 'self' | 'shared' | 'session' | 'ledger'>,
): LeadObservation => ({
  nowMs: 0,
  askedMs: 0,
  wallMs: 0,
  isServing: true,
  isStopping: false,
  peers: new Map(),
  published: 'none',
  outcome: undefined,
  ...own,
});
