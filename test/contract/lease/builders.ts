import { expect } from 'vitest';
import type { LeasePort, Written } from '../../../agent/lease-port.js';
import type { FailoverOrder, Policy, Record } from '../../../common/failover/shapes.js';
import type { Snapshot } from '../../../common/failover/snapshot.js';

export const recordOf = (epoch: number, ...names: string[]): Record => ({
  epoch,
  durability: 'sync',
  members: names.map((name) => ({ name, incarnation: 'a1' })),
  history: { systemId: '7000000000000000001', timeline: epoch, forks: [] },
});

export const policy: Policy = {
  roles: 'managed',
  promotion: 'manual',
  durability: 'async',
  strict: false,
  paused: false,
};

export const rejoin = (id: string): FailoverOrder => ({
  kind: 'rejoin',
  id,
  member: 'pg2',
  method: 'rewind',
});

/** What the agents share now, by a majority's word. */
export async function seen(lease: LeasePort): Promise<Snapshot> {
  const answer = await lease.read({ consistent: true });
  if (answer.kind !== 'answered') throw new Error(`no snapshot: ${answer.why}`);
  return answer.snapshot;
}

export async function opened(lease: LeasePort, remembered?: string): Promise<string> {
  const session = await lease.openSession(remembered);
  if (session.kind !== 'open') throw new Error(`no session: ${session.why}`);
  return session.id;
}

export function applied(written: Written): Snapshot {
  expect(written).toMatchObject({ kind: 'applied' });
  return (written as Written & { kind: 'applied' }).snapshot;
}

/** A member that made the first epoch and holds the lease. */
export async function firstHolder(lease: LeasePort, member: string) {
  const by = { member, session: await opened(lease) };
  const was = await seen(lease);
  const first = recordOf((was.epoch.kind === 'value' ? was.epoch.value : 0) + 1, member);
  return { by, was: applied(await lease.write({ kind: 'acquire', was, by, first })) };
}
