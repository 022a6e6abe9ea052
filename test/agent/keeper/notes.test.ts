import { expect, test } from 'vitest';
import { notesOf } from '../../../agent/keeper/notes.js';

const sql = {
  inRecovery: false,
  replayPaused: false,
  overrides: [] as string[],
  pendingRestart: [] as string[],
};
const notes = (more: Partial<typeof sql>) => notesOf({ ...sql, ...more } as Parameters<typeof notesOf>[0]);

test('settings that wait for a restart are named', () => {
  expect(notes({ pendingRestart: ['shared_buffers', 'max_connections'] })).toEqual([
    expect.stringContaining('has to be restarted for shared_buffers, max_connections'),
  ]);
});

test.each([
  ['app: synchronous_commit=off', 'commits of app have synchronous_commit=off: they wait for no gate'],
  ['app in todo: synchronous_commit=remote_write', 'a crash of the standby may lose them'],
  ['app: default_transaction_read_only=off', 'a switchover does not make them read-only'],
])('%s is told, once, by the primary', (override, text) => {
  expect(notes({ overrides: [override] })).toEqual([expect.stringContaining(text)]);
  expect(notes({ overrides: [override], inRecovery: true })).toEqual([]);
});

test.each(['app: synchronous_commit=on', 'app: default_transaction_read_only=on'])(
  '%s harms nothing',
  (override) => {
    expect(notes({ overrides: [override] })).toEqual([]);
  },
);
