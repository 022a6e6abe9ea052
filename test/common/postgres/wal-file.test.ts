import { describe, expect, test } from 'vitest';
import { parseLsn } from '../../../common/postgres/lsn.js';
import {
  formatTimeline,
  historyFileName,
  parseTimeline,
  parseWalFile,
  segmentFileName,
} from '../../../common/postgres/wal-file.js';

const mebibyte = 1_048_576;

describe('names in pg_wal', () => {
  test.each([
    ['00000001', 1],
    ['0000000A', 10],
    ['FFFFFFFF', 4_294_967_295],
  ])('timeline %s', (text, timeline) => {
    expect(parseTimeline(text)).toBe(timeline);
    expect(formatTimeline(timeline)).toBe(text);
    expect(historyFileName(timeline)).toBe(`${text}.history`);
    expect(parseWalFile(`${text}.history`, mebibyte)).toEqual({ kind: 'history', timeline });
  });

  test.each([
    ['0/50620E8', 16, '000000040000000000000005'],
    ['0/5000000', 16, '000000040000000000000005'],
    ['0/4FFFFFF', 16, '000000040000000000000004'],
    ['A/FF000000', 16, '000000040000000A000000FF'],
    ['A/FF000000', 1024, '000000040000000A00000003'],
  ])('the segment of %s, %d MiB each', (lsn, megabytes, name) => {
    expect(segmentFileName(4, parseLsn(lsn), megabytes * mebibyte)).toBe(name);
    expect(parseWalFile(name, megabytes * mebibyte)).toMatchObject({ kind: 'segment', timeline: 4 });
  });

  test.each(['', '1', '0000000G', '000000001', ' 0000001'])('%j is no timeline', (text) => {
    expect(() => parseTimeline(text)).toThrow(/not a timeline/);
  });

  test.each([
    ['000000010000000000000001', 16, '0/1000000', false],
    ['0000000100000000000000FF', 16, '0/FF000000', false],
    ['000000030000000A00000002', 16, 'A/2000000', false],
    ['000000020000000000000003.partial', 16, '0/3000000', true],
    ['000000020000000000000FFF', 1, '0/FFF00000', false],
    ['000000020000000100000002', 1_024, '1/80000000', false],
  ])('%s of %i MB begins at %s', (name, megabytes, start, partial) => {
    expect(parseWalFile(name, megabytes * mebibyte)).toEqual({
      kind: 'segment',
      timeline: parseTimeline(name.slice(0, 8)),
      start: parseLsn(start),
      partial,
    });
  });

  test.each([
    'archive_status',
    '00000001',
    '00000001.history.ready',
    '000000010000000000000001.00000028.backup',
    'x000000010000000000000001',
  ])('%s is neither', (name) => {
    expect(parseWalFile(name, mebibyte)).toBeUndefined();
  });
});
