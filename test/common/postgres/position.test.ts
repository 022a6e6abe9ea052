import { describe, expect, test } from 'vitest';
import { parseLsn } from '../../../common/postgres/lsn.js';
import {
  place,
  positionSql,
  readPosition,
  systemIdSql,
  type PositionRow,
} from '../../../common/postgres/position.js';

describe('an answer', () => {
  test.each<[string, PositionRow, ReturnType<typeof readPosition>]>([
    [
      'of a primary',
      ['f', '0/3000060', null, '0000000B'],
      { role: 'primary', lsn: parseLsn('0/3000060'), receivedLsn: null, timeline: 11 },
    ],
    [
      'of a replica',
      ['t', '0/3000060', '0/4000000', null],
      { role: 'replica', lsn: parseLsn('0/3000060'), receivedLsn: parseLsn('0/4000000'), timeline: null },
    ],
    [
      'of a replica that has replayed nothing yet',
      ['t', null, null, null],
      { role: 'replica', lsn: null, receivedLsn: null, timeline: null },
    ],
  ])('%s', (_, row, reported) => {
    expect(readPosition(row)).toEqual(reported);
  });

  test('what is no position is refused', () => {
    expect(() => readPosition(['f', 'somewhere', null, '00000001'])).toThrow(/not a WAL position/);
  });
});

/** A search_path may put functions and operators of an app's before Postgres' own. */
test('every function, relation and operator is named with its schema', () => {
  const questions = [positionSql(['1 AS one'], ''), systemIdSql, ...Object.values(place)].map((sql) =>
    typeof sql === 'function' ? sql('x') : sql,
  );
  const bare = questions.flatMap((sql) => [
    ...sql.matchAll(/(?<![.\w])(?!greatest\b)[a-z_]+(?=\()/g),
    ...sql.matchAll(/(?<=FROM )(?!pg_catalog\.)\w+/g),
    ...sql.replace(/::|\(pg_catalog\.[*=-]\)/g, '').matchAll(/[-+*/|<>=]+/g),
  ]);
  expect(questions.length).toBeGreaterThan(8);
  expect(bare.map(([text]) => text)).toEqual([]);
});
