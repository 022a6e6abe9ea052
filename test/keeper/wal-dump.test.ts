import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dumpRecords } from '../../keeper/postgres/wal-dump.js';

const folder = mkdtempSync(join(tmpdir(), 'hotspare-wal-'));
beforeAll(() => {
  mkdirSync(join(folder, 'pg_wal'));
  writeFileSync(join(folder, 'pg_wal', '000000040000000000000005'), '');
  writeFileSync(join(folder, 'pg_waldump'), '#!/bin/sh\necho asked "$@"\n');
  chmodSync(join(folder, 'pg_waldump'), 0o755);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const segmentBytes = 16 * 1_048_576;
const records = (timeline: number, lsn: string) =>
  dumpRecords(folder, { dataDir: folder, timeline, lsn, segmentBytes }, 6);

test('reads to the end of the segment, since pg_waldump waits five seconds for a file that is missing', async () => {
  expect((await records(4, '0/50620E8')).trim()).toBe(
    `asked -n 6 -p ${join(folder, 'pg_wal')} -t 4 -s 0/50620E8 -e 0/6000000 000000040000000000000005`,
  );
});

test('a segment that is missing, of this timeline or at that place, is not asked for', async () => {
  expect(await records(3, '0/50620E8')).toBe('');
  expect(await records(4, '0/60620E8')).toBe('');
});
