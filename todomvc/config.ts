import { readFileSync } from 'node:fs';
import { ConfigError } from '../common/errors.js';
import { logLevels, type LogLevel } from '../common/runtime/log.js';
import { secretText } from '../common/secret.js';
import type { DrainSettings } from './core/drain.js';

export interface Config {
  readonly host: string;
  readonly port: number;
  /** What `X-Served-By` says. */
  readonly box: string;
  /** With the password in it: never logged. */
  readonly databaseUrl: string;
  /** Of the role that owns the schema; the app's own role when none is given. */
  readonly migrationDatabaseUrl: string;
  /** How long a write waits for a primary before it is refused, ms. */
  readonly writeWaitMs: number;
  readonly drain: DrainSettings;
  readonly logLevel: LogLevel;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the app's settings. Throws a ConfigError that names the variable.
 *
 * | variable | default | |
 * |---|---|---|
 * | `HOST`, `PORT` | 127.0.0.1, 3000 | where to listen; port 0 takes a free one |
 * | `BOX` | the machine's name | shown in `X-Served-By` |
 * | `DATABASE_URL`, `PASSWORD_FILE` | (needed), none | the role with rights on rows only |
 * | `MIGRATION_DATABASE_URL`, `MIGRATION_PASSWORD_FILE` | as above | the role that owns schema `todo` |
 * | `WRITE_WAIT_MS` | 0 | how long a write waits for a primary before it is refused |
 * | `DRAIN_MIN_MS`, `DRAIN_QUIET_MS`, `DRAIN_MAX_MS` | 1000, 300, 25000 | leaving without failed requests |
 * | `LOG_LEVEL` | info | |
 */
export function readConfig(env: Environment, hostname: string): Config {
  const databaseUrl = databaseUrlOf(env, 'DATABASE_URL', 'PASSWORD_FILE');
  const drain = {
    minMs: numberOf(env, 'DRAIN_MIN_MS', 1_000, 0, 600_000),
    quietMs: numberOf(env, 'DRAIN_QUIET_MS', 300, 0, 600_000),
    maxMs: numberOf(env, 'DRAIN_MAX_MS', 25_000, 0, 600_000),
  };
  if (drain.maxMs < drain.minMs)
    throw invalid('DRAIN_MAX_MS', drain.maxMs, `at least DRAIN_MIN_MS, which is ${drain.minMs}`);
  return {
    host: env['HOST'] || '127.0.0.1',
    port: numberOf(env, 'PORT', 3_000, 0, 65_535),
    box: boxOf(env['BOX'] || hostname),
    databaseUrl,
    migrationDatabaseUrl: env['MIGRATION_DATABASE_URL']
      ? databaseUrlOf(env, 'MIGRATION_DATABASE_URL', 'MIGRATION_PASSWORD_FILE')
      : databaseUrl,
    writeWaitMs: numberOf(env, 'WRITE_WAIT_MS', 0, 0, 600_000),
    drain,
    logLevel: logLevelOf(env['LOG_LEVEL'] || 'info'),
  };
}

function databaseUrlOf(env: Environment, key: string, passwordFileKey: string): string {
  const text = env[key];
  const expected = 'a URL like postgres://todo_app@pg.service.consul/todo';
  if (!text) throw invalid(key, undefined, expected);
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw invalid(key, '(hidden)', expected);
  }
  if ((url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') || url.hostname === '')
    throw invalid(key, '(hidden)', expected);
  const passwordFile = env[passwordFileKey];
  // Only inside the URL does a password reach the driver: what it reads from a URL wins over other settings.
  if (passwordFile) url.password = encodeURIComponent(passwordOf(passwordFileKey, passwordFile));
  return url.href;
}

function passwordOf(key: string, file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw invalid(key, file, `a file that can be read (${(error as NodeJS.ErrnoException).code})`);
  }
  const password = secretText(text);
  if (password === '') throw invalid(key, file, 'a file with a password in it; it is empty');
  return password;
}

function numberOf(env: Environment, key: string, fallback: number, least: number, most: number): number {
  const text = env[key];
  if (!text) return fallback;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) throw invalid(key, text, `a whole number from ${least} to ${most}`);
  return value;
}

function boxOf(text: string): string {
  if (!/^[\w.-]{1,253}$/.test(text))
    throw invalid('BOX', text, 'a name of letters, digits, ".", "_" and "-"');
  return text;
}

function logLevelOf(text: string): LogLevel {
  const level = logLevels.find((known) => known === text);
  if (level === undefined) throw invalid('LOG_LEVEL', text, `one of ${logLevels.join(', ')}`);
  return level;
}

function invalid(key: string, value: unknown, expected: string): ConfigError {
  return new ConfigError('environment', key, value, expected);
}
