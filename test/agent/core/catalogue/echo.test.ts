import { expect, test } from 'vitest';
import { echoOf, type HeardEntry } from '../../../../agent/core/catalogue/echo.js';
import type { Echo } from '../../../../agent/core/model.js';
import type { CatalogueView } from '../../../../agent/core/model.js';
import { entry, present } from '../../builders.js';

const heard = (more: Partial<HeardEntry> = {}): HeardEntry => {
  const { check: _, name: __, ...rest } = entry();
  return { node: 'pg1', ...rest, checks: [{ id: 'service:pg@pg1', status: 'passing' }], ...more };
};

test.each<[string, CatalogueView, HeardEntry[], Echo]>([
  ['nothing is held: there is nothing to hear', { kind: 'absent' }, [], 'unknown'],
  ['not known what is held', { kind: 'unread', why: 'not-yet' }, [heard()], 'unknown'],
  ['as it is held', present(), [heard(), heard({ id: 'pg@pg2' })], 'same'],
  ['missing', present(), [heard({ id: 'pg@pg2' })], 'missing'],
  ['with another role', present(), [heard({ tags: ['replica'] })], 'different'],
  [
    'with an old status',
    present(),
    [heard({ checks: [{ id: 'service:pg@pg1', status: 'critical' }] })],
    'different',
  ],
  ['without its check', present(), [heard({ checks: [] })], 'different'],
  [
    'its node in maintenance is no difference',
    present(),
    [heard({ checks: [...heard().checks, { id: '_node_maintenance', status: 'critical' }] })],
    'same',
  ],
  ['another box uses the same id', present(), [heard({ node: 'x', address: '10.9.9.9' }), heard()], 'same'],
])('%s', (_, held, listed, echo) => {
  expect(echoOf('pg@pg1', held, listed)).toBe(echo);
});
