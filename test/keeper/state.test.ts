import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { StateFiles } from '../../keeper/state/files.js';

/** A data directory that somebody else has put there, by copying another member's. */

const history = {
  systemId: '7',
  timeline: 2,
  forks: [{ timeline: 2, parent: 1, lsn: '0/3000000', mark: '2 after 1 at noon' }],
};
let folder: string, data: string, state: StateFiles;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hotspare-state-'));
  data = join(folder, 'data');
  mkdirSync(data);
  state = new StateFiles(join(folder, 'state'), data);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Beside the old one, so that it is another inode for certain. */
function replaceData(handedOver?: string): void {
  const fresh = join(folder, 'fresh');
  mkdirSync(fresh);
  if (handedOver !== undefined) writeFileSync(join(fresh, 'hotspare-history.json'), handedOver);
  renameSync(data, join(folder, `before-${Math.random()}`));
  renameSync(fresh, data);
}

test('what its source knew of the history is taken over once, and remembered (D4)', () => {
  replaceData(JSON.stringify(history));
  state.noticeReplacedData();
  expect(state.history).toEqual(history);
  expect(existsSync(join(data, 'hotspare-history.json'))).toBe(false);
  state.noticeReplacedData();
  expect(state.history).toEqual(history);
});

test('what is known of a data directory is known while it lies aside, and not of what lies in its place', () => {
  state.history = history;
  const aside = join(folder, 'aside');
  renameSync(data, aside);
  expect(state.historyOf(aside)).toEqual(history);
  expect(state.history).toBeUndefined();
  mkdirSync(data);
  expect(state.history).toBeUndefined();
});

test('another copy in its place: its own history, or none, and another name (R5)', () => {
  state.noticeReplacedData();
  const before = state.incarnation;
  replaceData(JSON.stringify({ ...history, systemId: '8' }));
  state.noticeReplacedData();
  expect(state.history).toEqual({ ...history, systemId: '8' });
  const between = state.incarnation;
  replaceData();
  state.noticeReplacedData();
  expect(state.history).toBeUndefined();
  expect(new Set([before, between, state.incarnation]).size).toBe(3);
});

test.each(['', 'not json', '{}', '{"systemId":7,"timeline":"2","forks":[]}'])(
  '%j is not believed',
  (text) => {
    replaceData(text);
    state.noticeReplacedData();
    expect(state.history).toBeUndefined();
  },
);
