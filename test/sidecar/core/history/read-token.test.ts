import { describe, expect, test } from 'vitest';
import type { Position } from '../../../../sidecar/core/history/position.js';
import { parseReadToken, readTokenOf } from '../../../../sidecar/core/history/read-token.js';
import { seededRandom } from '../../../support/random.js';

const position: Position = { systemId: '7301234567890123456', timeline: 3, lsn: 0x16b374d848n };

describe('a token', () => {
  test('stands for its position, and needs no quoting anywhere', () => {
    const token = readTokenOf(position)!;
    expect(token).toMatch(/^[\w-]{28}$/);
    expect(parseReadToken(token)).toEqual(position);
  });
  test.each([
    { systemId: '0', timeline: 1, lsn: 0n },
    { systemId: String(2n ** 64n - 1n), timeline: 2 ** 32 - 1, lsn: 2n ** 64n - 1n },
  ])('%o', (extreme) => {
    expect(parseReadToken(readTokenOf(extreme))).toEqual(extreme);
  });
  test.each([
    { ...position, systemId: '' },
    { ...position, systemId: '-1' },
    { ...position, systemId: String(2n ** 64n) },
    { ...position, systemId: 'sys' },
    { ...position, timeline: 0 },
    { ...position, timeline: 2 ** 32 },
    { ...position, lsn: 2n ** 64n },
  ])('none for what does not fit: %o', (odd) => {
    expect(readTokenOf(odd)).toBeNull();
  });
});

describe('what is no token', () => {
  const token = readTokenOf(position)!;
  test.each([
    [undefined],
    [null],
    [''],
    [0],
    [{}],
    [[token]],
    ['0/3000060'],
    [`${token} `],
    [`${token}A`],
    [token.slice(0, -1)],
    [`2${token.slice(1)}`],
    [token.replace(/.$/, '=')],
    [token.replace(/.$/, "'")],
    [`${token}\n`],
    ['1'.repeat(1_000_000)],
    [`1${'A'.repeat(27)}`],
  ])('%s', (text) => {
    expect(parseReadToken(text)).toBeNull();
  });
  test('one position has one text: bits that mean nothing must be zero', () => {
    const other = String.fromCharCode(token.charCodeAt(27) + 1);
    expect(parseReadToken(token.slice(0, 27) + other)).toBeNull();
  });
  test('random texts never throw, and what is read is what was written', () => {
    const seed = Number(process.env['HOTSPARE_SEED'] ?? Date.now() % 1e9);
    const random = seededRandom(seed);
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=/';
    for (let n = 0; n < 2_000; n++) {
      const length = random() < 0.8 ? 28 : Math.floor(random() * 60);
      const text = Array.from({ length }, (_, i) =>
        i === 0 && random() < 0.9 ? '1' : letters[Math.floor(random() * letters.length)],
      ).join('');
      const read = parseReadToken(text);
      if (read) expect([seed, readTokenOf(read)]).toEqual([seed, text]);
    }
  });
});
