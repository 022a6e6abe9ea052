import { randomBytes } from 'node:crypto';
import { readIfPresent } from '../../common/runtime/files/durable.js';
import { writeDurably } from '../../common/runtime/files/replace-file.js';
import { KnownFile } from './known-file.js';

/** The settings that the keeper owns, in one file outside the data directory (D6). */
export interface Settings {
  /** As Postgres reads it: names in double quotes (G1). */
  readonly synchronous_standby_names: string;
  readonly primary_conninfo: string;
  readonly primary_slot_name: string;
  readonly default_transaction_read_only: 'on' | 'off';
}
export const settingNames = [
  'synchronous_standby_names',
  'primary_conninfo',
  'primary_slot_name',
  'default_transaction_read_only',
] as const satisfies readonly (keyof Settings)[];

const header = '# Written by "hotspare keeper", which replaces it whole; do not edit.\n';

/** A setting of our own, new with each change: a session that shows it began after this very file was read. */
export const revisionName = 'hotspare.keeper';

export const unset: Settings = {
  synchronous_standby_names: '',
  primary_conninfo: '',
  primary_slot_name: '',
  default_transaction_read_only: 'off',
};

/** Single quotes are doubled, and so are backslashes: Postgres reads `\b` as a control character. */
export const quoted = (value: string): string => `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;

export function renderSettings(settings: Settings, revision: string): string {
  const mark = `${revisionName} = ${quoted(revision)}\n`;
  return header + mark + settingNames.map((name) => `${name} = ${quoted(settings[name])}\n`).join('');
}

/** What `renderSettings` made; anything else counts as unset. */
export function parseSettings(content: string): Settings {
  const found: Partial<Record<string, string>> = {};
  for (const [, name, value] of content.matchAll(/^(\w+) = '((?:[^'\\]|''|\\\\)*)'$/gm))
    found[name!] = value!.replaceAll("''", "'").replaceAll('\\\\', '\\');
  return { ...unset, ...found } as Settings;
}

/** The file is the only copy: what is changed is read from it just before. */
export class SettingsFile {
  private readonly known: KnownFile<Settings>;

  constructor(private readonly file: string) {
    this.known = new KnownFile(file, parseSettings);
  }

  read(): Settings {
    return this.known.read() ?? unset;
  }

  get revision(): string {
    return new RegExp(`^${revisionName} = '(.*)'$`, 'm').exec(readIfPresent(this.file) ?? '')?.[1] ?? '';
  }

  /** On disk when it returns; in force only after a reload. Readable by all: it holds no secret. */
  change(change: Partial<Settings>): Settings {
    const { settings, text, mode } = this.changed(change);
    writeDurably(this.file, text, mode);
    return settings;
  }

  /** What `change` would write, for whoever replaces other files with it. */
  changed(change: Partial<Settings>) {
    const settings = { ...this.read(), ...change };
    const text = renderSettings(settings, randomBytes(6).toString('hex'));
    this.known.forget();
    return { settings, file: this.file, text, mode: 0o644 };
  }
}

/** What `postgresql.auto.conf` must not say: it beats every included file (D2). */
const stripped =
  /^\s*(default_transaction_read_only|synchronous_standby_names|primary_conninfo|primary_slot_name|promote_trigger_file|recovery_target\w*)\b/i;

/** The file without them, and which were there. */
export function stripAutoConf(content: string): { content: string; removed: string[] } {
  const removed: string[] = [];
  const kept = content.split('\n').filter((line) => {
    const [, name] = stripped.exec(line) ?? [];
    if (name !== undefined) removed.push(name);
    return name === undefined;
  });
  return { content: kept.join('\n'), removed };
}

/** An open gate: commits wait for `count` of these, or for nobody. */
export function openValue(standbys: readonly string[], count = 1): string {
  return standbys.length === 0 ? '' : `ANY ${count} (${standbys.map((name) => `"${name}"`).join(', ')})`;
}
