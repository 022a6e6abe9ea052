import { expect, test } from 'vitest';
import { recordWith } from '../../../../agent/core/lead/standbys.js';
import type { View } from '../../../../agent/core/lead/view.js';
import { hasAllOf } from '../../../../agent/keeper/position.js';

const fork = (timeline: number, mark?: string, lsn = `0/${timeline}000028`) => ({
  timeline,
  parent: timeline - 1,
  lsn,
  ...(mark === undefined ? {} : { mark }),
});
const historyOf = (...forks: ReturnType<typeof fork>[]) => ({ systemId: '1', timeline: 4, forks });
const position = '4/0/5000000';

/** The holder, as far as the marks of its record go. */
const view = (own: ReturnType<typeof historyOf>, recorded: ReturnType<typeof historyOf>) =>
  ({
    record: {
      epoch: 4,
      durability: 'sync',
      members: [{ name: 'pg1', incarnation: 'a' }],
      history: recorded,
    },
    policy: { durability: 'sync' },
    self: { history: own, position, feeds: [{ name: 'pg2.b', position }] },
    config: { compare: () => 0 },
  }) as unknown as View;

test('a mark that could not be read at the promotion comes into the record with its next change: only then may the standby take over (D4, R5)', () => {
  const [whole, short] = [historyOf(fork(3, 'three'), fork(4, 'four')), historyOf(fork(3, 'three'), fork(4))];
  const standby = { history: whole, position };
  expect(hasAllOf(standby, { history: short, position })).toBe(false);
  const record = recordWith(view(whole, short), ['pg2.b']);
  expect(record?.history).toEqual(whole);
  expect(hasAllOf(standby, { history: record?.history, position })).toBe(true);
});

test('a mark that stands in the record stays, and one of another place is not taken for it', () => {
  const recorded = historyOf(fork(3, 'three'), fork(4));
  const own = historyOf(fork(3, 'another'), fork(4, 'four', '0/4000099'));
  expect(recordWith(view(own, recorded), [])?.history).toEqual(recorded);
});
