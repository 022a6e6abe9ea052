import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadOrMakeSecrets, makeSecrets } from '../../provision/site/secrets.js';

let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hotspare-secrets-'));
  file = join(folder, 'secrets.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const mode = () => statSync(file).mode & 0o777;

test('made once, then the same, for nobody else to read', () => {
  const made = loadOrMakeSecrets(file);
  expect(mode()).toBe(0o600);
  expect(loadOrMakeSecrets(file)).toEqual(made);
  expect(makeSecrets()).not.toEqual(made);
});

test('a file of an earlier version gets what it lacks and keeps what it has', () => {
  const { http: _, ...old } = makeSecrets();
  const { app: __, ...passwords } = old.passwords;
  writeFileSync(file, JSON.stringify({ ...old, passwords, later: 'kept' }));
  chmodSync(file, 0o644);
  const now = loadOrMakeSecrets(file);
  expect(now).toMatchObject({ ...old, passwords, later: 'kept' });
  expect(now.http).toMatch(/^\S{40,}$/);
  expect(now.passwords.app).toMatch(/^\S{20,}$/);
  expect(mode()).toBe(0o600);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(now);
});

test.each(['{"gossipKey": "hidden', '["hidden"]', 'null'])('%s is refused, and not shown', (content) => {
  writeFileSync(file, content);
  let said = '';
  try {
    loadOrMakeSecrets(file);
  } catch (error) {
    said = (error as Error).message;
  }
  expect(said).toContain(file);
  expect(said).toContain('restore it');
  expect(said).not.toContain('hidden');
  expect(readFileSync(file, 'utf8')).toBe(content);
});
