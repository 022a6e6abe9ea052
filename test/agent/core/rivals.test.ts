import { expect, test } from 'vitest';
import { metaOf, rivalOf, rivalText, type Run } from '../../../agent/core/rivals.js';

const self: Run = { box: 'nginx1', instance: 'm', url: 'http://10.0.0.1:8008', startedMs: 1_000 };
const other: Run = { box: 'nginx1', instance: 'x', url: 'http://10.0.0.9:8008', startedMs: 500 };
const mine = { meta: metaOf(self) };

test.each<[string, { meta: Record<string, string> }[], 'we' | 'they' | undefined]>([
  ['nothing', [], undefined],
  ['only our own', [mine], undefined],
  ["another box's", [{ meta: metaOf({ ...other, box: 'nginx2' }) }], undefined],
  ['something by hand', [{ meta: {} }, { meta: { 'hotspare-box': 'nginx1' } }], undefined],
  ['an earlier one', [mine, { meta: metaOf(other) }], 'we'],
  ['a later one', [mine, { meta: metaOf({ ...other, startedMs: 2_000 }) }], 'they'],
  ['one that overwrote us', [{ meta: metaOf({ ...other, startedMs: 2_000 }) }], 'they'],
  ['an earlier one, which cannot see us', [{ meta: metaOf(other) }], 'they'],
  ['at the same moment', [mine, { meta: metaOf({ ...other, startedMs: 1_000 }) }], 'they'],
  ['a copy of our folder on another machine', [mine, { meta: metaOf({ ...other, instance: 'm' }) }], 'we'],
])('%s', (_, entries, keeps) => {
  const rival = rivalOf(entries, self);
  expect(rival?.keeps).toBe(keeps);
});

test('of two that see each other exactly one goes on', () => {
  for (const startedMs of [500, 1_000, 2_000]) {
    const they = { ...other, startedMs };
    const both = [mine, { meta: metaOf(they) }];
    expect([rivalOf(both, self)?.keeps, rivalOf(both, they)?.keeps].sort()).toEqual(['they', 'we']);
  }
});

test('the sentence says which other, and where', () => {
  expect(rivalText({ run: other, keeps: 'they' })).toBe(
    'another agent, at http://10.0.0.9:8008 (instance x, started 1970-01-01T00:00:00.500Z), also registers services as box nginx1; this agent no longer changes anything in Consul until you restart it; give each box its own name (box: in agent.yaml), then restart both agents',
  );
});
