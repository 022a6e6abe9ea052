import { join } from 'node:path';
import { readIfPresent } from '../../common/runtime/files/durable.js';
import { writeDurably } from '../../common/runtime/files/replace-file.js';
import { runCommand } from '../../common/runtime/machine/command.js';
import type { PostgresConfig } from '../config.js';
import { revisionName, stripAutoConf, type Settings, settingNames } from '../state/settings.js';
import { oneLine } from './control.js';

/** Takes out what would beat the keeper's file (D2). Gives the names that were there. */
export function stripAutoConfFile(dataDir: string): string[] {
  const file = join(dataDir, 'postgresql.auto.conf');
  const content = readIfPresent(file);
  if (content === undefined) return [];
  const { content: kept, removed } = stripAutoConf(content);
  if (removed.length > 0) writeDurably(file, kept);
  return removed;
}

/** Each must have its default, else recovery ends by itself. Absent ones (by version) are not asked for. */
const recoverySettings: Readonly<Record<string, string>> = {
  recovery_target: '',
  recovery_target_lsn: '',
  recovery_target_name: '',
  recovery_target_time: '',
  recovery_target_timeline: 'latest',
  recovery_target_xid: '',
};
/** PostgreSQL 15 still promotes itself when this file appears. */
const lastMajorWithTrigger = 15;

/** Sentences for what Postgres would take from its files in place of what the keeper wants (D2). `major`: of the server. */
export async function differences(
  postgres: PostgresConfig,
  settings: Settings,
  major: number,
): Promise<string[]> {
  const expected: Record<string, string> = { ...recoverySettings };
  for (const name of settingNames) expected[name] = settings[name];
  if (major <= lastMajorWithTrigger) expected['promote_trigger_file'] = '';
  const found = await Promise.all(
    Object.entries(expected).map(async ([name, value]) => {
      const effective = await effectiveValue(postgres, name);
      return effective === value
        ? []
        : [`${name} would be ${JSON.stringify(effective)}, not ${JSON.stringify(value)}`];
    }),
  );
  return found.flat();
}

/** Whether the keeper's file is read at all. */
export const includes = async (postgres: PostgresConfig, revision: string): Promise<boolean> =>
  (await effectiveValue(postgres, revisionName)) === revision;

async function effectiveValue(postgres: PostgresConfig, name: string): Promise<string> {
  const { exitCode, stdout, stderr } = await runCommand(
    join(postgres.binDir, 'postgres'),
    ['-D', postgres.dataDir, '-c', `config_file=${postgres.configFile}`, '-C', name],
    { timeoutMs: 10_000 },
  );
  return exitCode === 0 ? stdout.replace(/\n$/, '') : `unreadable: ${oneLine(stderr)}`;
}
