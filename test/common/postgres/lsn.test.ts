import { describe, expect, test } from 'vitest';
import { lagBytes, parseLsn } from '../../../common/postgres/lsn.js';
import { formatLsn } from '../../../common/postgres/lsn.js';

describe('WAL positions', () => {
  test.each(['0/0', '0/3000060', '16/B374D848', 'FFFFFFFF/FFFFFFFF'])('%s is read', (text) => {
    expect(formatLsn(parseLsn(text))).toBe(text);
  });
  test.each(['', '0', '0/', '/0', '0/0/0', 'x/1', '123456789/0', '0/3000060 '])('%j is refused', (text) => {
    expect(() => parseLsn(text)).toThrow(/not a WAL position/);
  });
  test('lag crosses the high half and is never negative', () => {
    expect(lagBytes(parseLsn('1/0'), parseLsn('0/FFFFFFFF'))).toBe(1);
    expect(lagBytes(parseLsn('0/1'), parseLsn('1/0'))).toBe(0);
  });
});
