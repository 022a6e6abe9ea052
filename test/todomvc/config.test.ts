import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../todomvc/config.js';

const folder = mkdtempSync(join(tmpdir(), 'hotspare-todomvc-config-'));
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
afterAll(() => rmSync(folder, { recursive: true }));

const url = 'postgres://todo_app@pg.service.consul/todo';
const read = (env: Record<string, string>) => readConfig({ DATABASE_URL: url, ...env }, 'thishost');

describe('the app settings', () => {
  it('have defaults', () => {
    expect(read({})).toEqual({
      host: '127.0.0.1',
      port: 3000,
      box: 'thishost',
      databaseUrl: url,
      migrationDatabaseUrl: url,
      writeWaitMs: 0,
      drain: { minMs: 1000, quietMs: 300, maxMs: 25_000 },
      logLevel: 'info',
    });
  });

  it('put the passwords of files into the URLs, whatever is in them', () => {
    const config = read({
      PASSWORD_FILE: file('app', 'p@ss/w%rd?#\n'),
      MIGRATION_DATABASE_URL: 'postgres://todo_migrate@pg.service.consul/todo',
      MIGRATION_PASSWORD_FILE: file('migrate', 'other\r\n'),
    });
    expect(decodeURIComponent(new URL(config.databaseUrl).password)).toBe('p@ss/w%rd?#');
    expect(config.migrationDatabaseUrl).toBe('postgres://todo_migrate:other@pg.service.consul/todo');
  });

  it.each([
    ['no database', { DATABASE_URL: '' }, /DATABASE_URL is missing/],
    ['a database that is no URL', { DATABASE_URL: 'pg1:secret' }, /DATABASE_URL is "\(hidden\)"/],
    ['a database of another kind', { DATABASE_URL: 'mysql://u:secret@h/d' }, /postgres:\/\//],
    [
      'a password file that is not there',
      { PASSWORD_FILE: '/nowhere/password' },
      /PASSWORD_FILE is "\/nowhere\/password".*ENOENT/,
    ],
    ['a password file that is a folder', { PASSWORD_FILE: folder }, /PASSWORD_FILE.*EISDIR/],
    ['a port that is a word', { PORT: 'http' }, /PORT is "http"; expected a whole number from 0 to 65535/],
    ['a port too large', { PORT: '65536' }, /PORT/],
    [
      'a wait that is not a number',
      { WRITE_WAIT_MS: '2 s' },
      /WRITE_WAIT_MS is "2 s"; expected a whole number/,
    ],
    ['a negative drain', { DRAIN_MIN_MS: '-1' }, /DRAIN_MIN_MS/],
    [
      'a drain that ends before its minimum',
      { DRAIN_MIN_MS: '500', DRAIN_MAX_MS: '400' },
      /DRAIN_MAX_MS is 400; expected at least DRAIN_MIN_MS/,
    ],
    ['a box no header can carry', { BOX: 'a\r\nb' }, /BOX/],
    ['a log level nobody knows', { LOG_LEVEL: 'loud' }, /LOG_LEVEL is "loud"; expected one of trace/],
  ])('refuse %s, in one sentence without the password', (_name, env, sentence) => {
    let error: unknown;
    try {
      read(env);
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({ name: 'ConfigError', exitCode: 2 });
    expect(String(error)).toMatch(sentence);
    expect(String(error)).not.toMatch(/secret/);
  });

  it('refuse an empty password file', () => {
    expect(() => read({ PASSWORD_FILE: file('empty', '\n') })).toThrow(/it is empty/);
  });
});
