import { expect, test } from 'vitest';
import { snapshotOf, type SharedKey, type Snapshot } from '../../../common/failover/snapshot.js';
import { isSettled, type Transaction } from '../../../common/failover/transaction.js';

const nothing = snapshotOf('pg', []);
const moved = (key: SharedKey): Snapshot => ({ ...nothing, [key]: { kind: 'absent', index: 9 } });
const by = { session: 'S', member: 'pg1' };
const was = nothing;
const record = {
  epoch: 1,
  durability: 'sync' as const,
  members: [],
  history: { systemId: '1', timeline: 1, forks: [] },
};
const order = { kind: 'rejoin', id: 'a', member: 'pg2', method: 'rewind' } as const;
const policy = {
  roles: 'managed',
  promotion: 'auto',
  durability: 'sync',
  strict: false,
  paused: false,
} as const;

const rows: [Transaction, string][] = [
  [{ kind: 'acquire', was, by }, 'leader'],
  [{ kind: 'acquire', was, by, first: record }, 'leader epoch record'],
  [{ kind: 'promoted', was, by, record, isOrderDone: false }, 'leader epoch record'],
  [{ kind: 'promoted', was, by, record, isOrderDone: true }, 'leader epoch record order'],
  [{ kind: 'record', was, by, record }, 'leader epoch record'],
  [{ kind: 'confirm', was, by }, 'leader'],
  [{ kind: 'release', was, by, released: { fenced: true } }, 'leader'],
  [{ kind: 'release', was, by, released: { fenced: true }, order }, 'leader order'],
  [{ kind: 'setPolicy', was, policy }, 'policy'],
  [{ kind: 'placeOrder', was, order }, 'order'],
  [{ kind: 'removeOrder', was }, 'order'],
];

test.each(rows)('$kind is over once a key it names has moved: %s', (open, names) => {
  expect(isSettled(open, nothing)).toBe(false);
  for (const key of ['leader', 'epoch', 'record', 'policy', 'order'] as const)
    expect(isSettled(open, moved(key)), key).toBe(names.split(' ').includes(key));
});
