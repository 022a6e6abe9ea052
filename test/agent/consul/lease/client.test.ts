import { expect, test } from 'vitest';
import { leaseOf } from '../../../../agent/consul/lease/lease.js';
import { snapshotOf } from '../../../../common/failover/snapshot.js';
import { ConsulFailure } from '../../../../common/consul/failure.js';
import { Secret } from '../../../../common/secret.js';
import { FakeConnection } from '../../../fakes/consul-http/connection.js';
import { ConsulState } from '../../../fakes/consul-http/state.js';
import { ManualClock } from '../../../fakes/manual-clock.js';

const clock = new ManualClock();
const policy = {
  roles: 'managed',
  promotion: 'auto',
  durability: 'sync',
  strict: false,
  paused: false,
} as const;
const setPolicy = { kind: 'setPolicy', was: snapshotOf('pg', []), policy } as const;

function member(more: { onRefusal?: () => void } = {}) {
  const connection = new FakeConnection(new ConsulState(clock), clock);
  let token = new Secret('old');
  const { lease } = leaseOf({
    connection,
    name: 'Consul',
    service: 'pg',
    serviceId: 'pg@pg1',
    deadlineMs: 1_000,
    clock,
    random: () => 0.5,
    token: {
      current: () => token,
      async reread() {
        if (!more.onRefusal) return false;
        token = new Secret('new');
        more.onRefusal();
        return true;
      },
    },
  });
  return { connection, lease };
}

test('a token that was replaced after a refusal: the same is sent once more', async () => {
  let refusals = 0;
  const { connection, lease } = member({
    onRefusal: () => {
      refusals += 1;
      connection.fault = 'none';
    },
  });
  connection.fault = 'forbidden';
  expect(await lease.write(setPolicy)).toMatchObject({ kind: 'applied' });
  connection.fault = 'forbidden';
  expect(await lease.read()).toMatchObject({ kind: 'answered', snapshot: { policy: { value: policy } } });
  expect(refusals).toBe(2);
});

test('one that was not replaced: a refusal that names the right', async () => {
  const { connection, lease } = member();
  connection.fault = 'forbidden';
  expect(await lease.write(setPolicy)).toEqual({
    kind: 'refused',
    why: 'Consul: setPolicy of pg: Permission denied; the token needs key_prefix:write for hotspare/pg/ and session:write',
  });
});

test.each([
  [new ConsulFailure('refused', 'connection refused'), 'failed', 'failed'],
  [new ConsulFailure('unreachable', 'ECONNRESET'), 'unconfirmed', 'failed'],
  [new ConsulFailure('late', 'no answer within 5 ms'), 'unconfirmed', 'failed'],
  [new ConsulFailure('garbage', 'what answers there is not Consul'), 'unconfirmed', 'failed'],
  [new ConsulFailure('failed', 'Transaction contains too many operations', 413), 'failed', 'failed'],
  [new ConsulFailure('failed', 'No cluster leader', 500), 'failed', 'failed'],
  [new ConsulFailure('failed', 'rpc error getting client: failed to get conn', 500), 'failed', 'failed'],
  [new ConsulFailure('failed', 'rpc error making call: EOF', 500), 'unconfirmed', 'failed'],
  [new ConsulFailure('failed', 'leadership lost while committing log', 500), 'unconfirmed', 'failed'],
  [new ConsulFailure('forbidden', 'ACL not found', 403), 'refused', 'refused'],
])('%s: a write is $1, a read $2', async (failure, ofWrite, ofRead) => {
  const { connection, lease } = member();
  connection.put = () => Promise.reject(failure);
  const written = await lease.write(setPolicy);
  expect(written.kind).toBe(ofWrite);
  expect('why' in written && written.why).toContain(failure.message);
  expect((await lease.read()).kind).toBe(ofRead);
});

test('an answer that is not Consul’s leaves a write open', async () => {
  const { connection, lease } = member();
  connection.put = async () => ({ status: 200, index: undefined, body: '<html>' });
  expect(await lease.write(setPolicy)).toMatchObject({ kind: 'unconfirmed' });
  connection.put = async () => ({ status: 409, index: undefined, body: { Errors: [] } });
  expect(await lease.write(setPolicy)).toMatchObject({ kind: 'unconfirmed' });
  expect(await lease.read()).toMatchObject({ kind: 'failed' });
});

test('what its readers would refuse is not sent', async () => {
  const { connection, lease } = member();
  connection.put = () => Promise.reject(new Error('it was sent'));
  const written = await lease.write({ ...setPolicy, policy: { ...policy, roles: 'none' as never } });
  expect(written).toMatchObject({ kind: 'failed', why: expect.stringContaining('policy.roles') as string });
});

test('only a consistent read is a majority’s word', async () => {
  const { connection, lease } = member();
  connection.isStale = true;
  const written = await lease.write(setPolicy);
  expect(written).toMatchObject({ kind: 'applied' });
  expect(await lease.read()).toMatchObject({ snapshot: { policy: { kind: 'absent' } } });
  expect(await lease.read({ consistent: true })).toMatchObject({ snapshot: { policy: { value: policy } } });
});
