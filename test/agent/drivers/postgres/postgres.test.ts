import { expect, test } from 'vitest';
import { judgeWrite } from '../../../../agent/drivers/postgres/look/heartbeat.js';
import { standbysWanted } from '../../../../agent/drivers/postgres/look/warnings.js';

const failed = (code?: string, file?: string) => Object.assign(new Error('said'), { code, file });

test.each([
  ['disk full', failed('53100', 'md.c'), 'member'],
  ['an input/output error', failed('58030', 'md.c'), 'member'],
  ['a file of a read-only file system', failed('42501', 'fd.c'), 'member'],
  ['a corrupt page', failed('XX001', 'bufmgr.c'), 'member'],
  ['a member that became a replica meanwhile', failed('25006', 'utility.c'), 'member'],
  ['a right that is missing', failed('42501', 'aclchk.c'), 'table'],
  ['a table that is missing', failed('42P01', 'parse_relation.c'), 'table'],
  ['a constraint', failed('23514', 'execMain.c'), 'table'],
  ['a trigger', failed('P0001', 'pl_exec.c'), 'table'],
  ['a lock', failed('55P03', 'postgres.c'), 'locked'],
  ['a shutdown', failed('57P01', 'postgres.c'), 'look'],
  ['a deadline', failed('57014', 'postgres.c'), 'look'],
  ['a reset', failed('ECONNRESET'), 'look'],
  ['a connection that ended', failed(), 'look'],
] as const)('a heartbeat not written because of %s', (_, error, about) => {
  expect(judgeWrite(error)).toBe(about);
});

test.each([
  ['', 0],
  ['  ', 0],
  ['pg2', 1],
  ['*', 1],
  ['pg2, pg3', 1],
  ['2 (pg2, pg3)', 2],
  ['FIRST 2 (pg2, pg3)', 2],
  ['any  3(pg2, pg3, pg4)', 3],
] as const)('synchronous_standby_names = %j waits for %i', (names, wanted) => {
  expect(standbysWanted(names)).toBe(wanted);
});
