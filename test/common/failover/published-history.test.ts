import { expect, test } from 'vitest';
import { historyMeta, publishedHistory } from '../../../common/failover/published-history.js';

const history = { systemId: '7123456789012345678', epoch: 4, timeline: 6 };

test('what one agent publishes every app reads', () => {
  expect(publishedHistory({ 'hotspare-box': 'pg1', ...historyMeta(history) })).toEqual(history);
});

test.each([
  {},
  { 'hotspare-system': '7' },
  { 'hotspare-system': '7', 'hotspare-epoch': '1' },
  { 'hotspare-epoch': '1', 'hotspare-timeline': '1' },
  { 'hotspare-system': '7', 'hotspare-epoch': '0', 'hotspare-timeline': '1' },
  { 'hotspare-system': '7', 'hotspare-epoch': '1.5', 'hotspare-timeline': '1' },
  { 'hotspare-system': '7', 'hotspare-epoch': '1', 'hotspare-timeline': '4294967296' },
  { 'hotspare-system': '-7', 'hotspare-epoch': '1', 'hotspare-timeline': '1' },
])('%j says none', (meta) => {
  expect(publishedHistory(meta as Record<string, string>)).toBeNull();
});
