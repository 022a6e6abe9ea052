import { expect, test } from 'vitest';
import type { ServiceStatus } from '../../common/agent-status.js';
import { notStreaming } from '../../provision/site/health.js';

const member = (more: Partial<ServiceStatus>): ServiceStatus => ({
  name: 'pg',
  kind: 'postgres',
  address: '127.0.11.12',
  port: 5432,
  state: 'passing',
  since: '2026-01-01T00:00:00.000Z',
  detail: 'well',
  ...more,
});

test.each<[string, Partial<ServiceStatus>, boolean]>([
  ['a spare that streams', { role: 'replica', streaming: true }, true],
  ['a spare to which nothing streams', { role: 'replica', streaming: false }, false],
  ['a spare of which that is not known', { role: 'replica' }, false],
  ['a primary', { role: 'primary' }, true],
  ['a web app', { kind: 'http' }, true],
])('%s', (_, more, isWell) => {
  const missing = notStreaming('pg2', { services: [member(more)] });
  expect(missing.length).toBe(isWell ? 0 : 1);
  for (const sentence of missing) expect(sentence).toContain('pg on pg2 receives no WAL');
});
