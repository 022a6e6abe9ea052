import { afterAll, beforeAll, expect, test } from 'vitest';
import { leaseOf } from '../../../agent/consul/lease/lease.js';
import { ConsulConnection } from '../../../common/consul/connection.js';
import type { Snapshot } from '../../../common/failover/snapshot.js';
import { isSettled, type Transaction } from '../../../common/failover/transaction.js';
import { systemClock as clock, systemRandom as random } from '../../../common/runtime/clock.js';
import { startThree, type RealConsul } from '../../support/consul.js';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';
import { firstHolder, recordOf, seen } from './builders.js';

let servers: RealConsul[] = [];
beforeAll(async () => {
  servers = await startThree();
});
afterAll(async () => {
  for (const server of servers) await server.destroy();
});

test('the leader dies under writes: none that was applied is lost, open ones are settled, and the lease stays', async () => {
  const leader = (await (await fetch(`${servers[0]!.httpUrl}/v1/status/leader`)).json()) as string;
  const dies = servers.find(({ serverAddress }) => serverAddress === leader)!;
  const stays = servers.find((server) => server !== dies)!;
  await fetch(`${stays.httpUrl}/v1/agent/service/register`, {
    method: 'PUT',
    body: JSON.stringify({ ID: 'pg@pg1', Name: 'pg' }),
  });
  const connection = new ConsulConnection({ url: stays.httpUrl, clock });
  const { lease } = leaseOf({
    connection,
    name: 'Consul',
    service: 'pg',
    serviceId: 'pg@pg1',
    aliveTtlMs: 60_000,
    deadlineMs: 500,
    clock,
    random,
  });
  const { by, was } = await waitFor('the first holder', eventuallyMs, () => firstHolder(lease, 'pg1'));

  const outcomes: Record<string, number> = {};
  let known = was;
  let newest = 0;
  let open: Transaction | undefined;
  let sent = 0;
  const writeOnce = async () => {
    const n = ++sent;
    const write: Transaction = open
      ? { kind: 'confirm', was: known, by }
      : { kind: 'record', was: known, by, record: { ...recordOf(1, 'pg1'), floor: `1/${n}` } };
    const written = await lease.write(write);
    outcomes[written.kind] = (outcomes[written.kind] ?? 0) + 1;
    if (written.kind === 'unconfirmed') open ??= write;
    // What was open came true.
    if (written.kind === 'conflict') {
      expect(open).toBeDefined();
      known = await waitFor('a majority', eventuallyMs, () => seen(lease));
    }
    if (written.kind !== 'applied') return;
    known = written.snapshot;
    const there = floorIn(known);
    if (open) expect(isSettled(open, known)).toBe(true);
    else expect(there).toBe(n);
    expect(there).toBeGreaterThanOrEqual(newest);
    newest = there;
    open = undefined;
  };
  while (sent < 50) await writeOnce();
  expect(outcomes).toEqual({ applied: 50 });
  const dying = writeOnce();
  dies.kill();
  await dying;
  await waitFor('writes that are applied again', eventuallyMs, async () => {
    const before = outcomes['applied'];
    await writeOnce();
    return open === undefined && (outcomes['applied'] ?? 0) > before! && outcomes['applied']! > 60;
  });
  console.log(`leader killed: ${JSON.stringify(outcomes)}`);
  const last = await waitFor('a majority', eventuallyMs, () => seen(lease));
  expect(last.holder).toBe(by.session);
  expect(last).toEqual(known);
  connection.close();
});

function floorIn({ record }: Snapshot): number {
  if (record.kind !== 'value') throw new Error('the record is gone');
  return Number(record.value.floor?.split('/')[1] ?? 0);
}
