import { expect, test } from 'vitest';
import type { FailoverReport } from '../../../common/failover/report.js';
import { promoteKnown, rejoinKnown } from '../../../cli/failover/known.js';
import { at, reportOf, sharedOf } from './reports.js';

const last = (lines: readonly string[]) => lines.at(-1);

test('what is at stake is said in bytes', () => {
  const known = promoteKnown(
    [reportOf('pg1', { self: at('3/0/3000100') }), reportOf('pg2', { self: at('3/0/3000000') })],
    'pg2',
  );
  expect(known).toContain('  pg1  3/0/3000100');
  expect(last(known)).toBe('At stake: 256 bytes of WAL that pg2 does not have.');
});

test('an old primary that is away may have acknowledged more, and that is said', () => {
  const known = promoteKnown([reportOf('pg2', { self: at('3/0/3000000') })], 'pg2');
  expect(last(known)).toBe(
    'pg2 has all that is known. pg1 does not say how far it wrote: commits that it acknowledged and pg2 never received are lost.',
  );
});

test('one that let the lease go has said how far it wrote', () => {
  const leader = { member: 'pg1', epoch: 3, released: { fenced: true, position: '3/0/3000000' } };
  const known = promoteKnown(
    [reportOf('pg2', { self: at('3/0/3000000'), shared: sharedOf('pg1', 3, { leader }) })],
    'pg2',
  );
  expect(last(known)).toBe('pg2 has all that is known.');
});

test('a target that does not tell', () => {
  expect(last(promoteKnown([reportOf('pg2')], 'pg2'))).toBe('How far pg2 is, is not known.');
  expect(rejoinKnown([], 'pg2')[0]).toBe('The agent of pg2 does not answer.');
});

test('the copy that a sync record names loses nothing, and another one under its name may', () => {
  const shared = sharedOf('pg1', 3);
  const record = {
    ...shared.record!,
    durability: 'sync' as const,
    members: [
      { name: 'pg1', incarnation: 'a' },
      { name: 'pg2', incarnation: 'b' },
    ],
  };
  const reports = (incarnation: string) => [
    reportOf('pg2', {
      self: { ...at('3/0/3000000'), incarnation } as FailoverReport['self'],
      shared: sharedOf('pg1', 3, { record }),
    }),
  ];
  expect(last(promoteKnown(reports('b'), 'pg2'))).toMatch(/^pg2 is in the record: it has every commit/);
  expect(last(promoteKnown(reports('c'), 'pg2'))).toMatch(/are lost\.$/);
});
