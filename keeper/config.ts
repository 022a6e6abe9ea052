import { readFileSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { readYaml, type ConfigReader } from '../common/text/config-reader.js';
import { messageOf, UserError } from '../common/errors.js';
import { logLevels, type LogLevel } from '../common/runtime/log.js';

export interface KeeperConfig {
  /** This member's name, the first part of its application_name. */
  readonly member: string;
  readonly socket: string;
  /** The group of the agent's account; absent: only the keeper's own account may open the socket. */
  readonly group?: string;
  /** The keeper's own small files; outside the data directory (D6). */
  readonly stateDir: string;
  readonly log: { readonly level: LogLevel };
  readonly postgres: PostgresConfig;
  readonly replication: ReplicationConfig;
}

export interface PostgresConfig {
  readonly binDir: string;
  readonly dataDir: string;
  /** postgresql.conf, outside the data directory: pg_rewind would bring the source's (D2). */
  readonly configFile: string;
  /** The keeper's settings, included by `configFile` (D6). */
  readonly settingsFile: string;
  readonly socketDir: string;
  readonly port: number;
  /** A superuser that may log in over the socket without a password (`peer`), or with one that PGPASSFILE knows. */
  readonly user: string;
}

export interface ReplicationConfig {
  readonly user: string;
  readonly passfile?: string;
  /** As in libpq. Default `prefer`. */
  readonly sslmode: string;
}

/** Reads and checks the file. Throws ConfigError or UserError, each a sentence, exit code 2. */
export function loadKeeperConfig(file: string): KeeperConfig {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UserError(`the configuration ${file} cannot be read: ${messageOf(error)}`, { exitCode: 2 });
  }
  return parseKeeperConfig(text, file);
}

export function parseKeeperConfig(text: string, file: string): KeeperConfig {
  const root = readYaml(text, file).mapping([
    'member',
    'socket',
    'group',
    'stateDir',
    'log',
    'postgres',
    'replication',
  ]);
  const postgres = parsePostgres(root('postgres'));
  const outside = (reader: ConfigReader) => {
    const path = pathOf(reader);
    return resolve(path).startsWith(resolve(postgres.dataDir) + sep)
      ? reader.refuse('a path outside the data directory: pg_rewind and clones replace what is in it')
      : path;
  };
  const entry = root('postgres').entry.bind(root('postgres'));
  outside(entry('configFile'));
  outside(entry('settingsFile'));
  return {
    member: root('member').text(
      'a member: a small letter, then small letters, digits, dashes',
      /^[a-z][a-z0-9-]{0,30}$/,
    ),
    socket: socketOf(root('socket')),
    ...optionalText(root('group'), 'group'),
    stateDir: outside(root('stateDir')),
    log: {
      level: root('log').or('info' as LogLevel, (log) =>
        log
          .mapping(['level'])('level')
          .or('info' as LogLevel, (level) => level.oneOf(logLevels)),
      ),
    },
    postgres,
    replication: parseReplication(root('replication')),
  };
}

function parsePostgres(reader: ConfigReader): PostgresConfig {
  const of = reader.mapping(['binDir', 'dataDir', 'configFile', 'settingsFile', 'socketDir', 'port', 'user']);
  return {
    binDir: pathOf(of('binDir')),
    dataDir: pathOf(of('dataDir')),
    configFile: pathOf(of('configFile')),
    settingsFile: pathOf(of('settingsFile')),
    socketDir: pathOf(of('socketDir')),
    port: of('port').integer('a port', 1, 65_535),
    user: of('user').or('postgres', nameOf),
  };
}

function parseReplication(reader: ConfigReader): ReplicationConfig {
  const of = reader.mapping(['user', 'passfile', 'sslmode']);
  return {
    user: nameOf(of('user')),
    ...(of('passfile').present ? { passfile: pathOf(of('passfile')) } : {}),
    sslmode: of('sslmode').or('prefer', (mode) =>
      mode.oneOf(['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full']),
    ),
  };
}

/** No quotes, spaces or backslashes: these paths also stand in connection strings and in postgresql.conf. */
const pathOf = (reader: ConfigReader) =>
  reader.text('an absolute path of letters, digits and / _ . + -', /^\/[A-Za-z0-9/_.+-]+$/);
const nameOf = (reader: ConfigReader) => reader.text('a role', /^[A-Za-z_][A-Za-z0-9_]{0,62}$/);

function socketOf(reader: ConfigReader): string {
  const path = pathOf(reader);
  return path.length > 100
    ? reader.refuse('a path of at most 100 characters: the system cuts longer ones')
    : path;
}

function optionalText<K extends string>(reader: ConfigReader, key: K): { [P in K]?: string } {
  if (!reader.present) return {};
  return { [key]: reader.text('a group', /^[a-z_][a-z0-9_-]{0,31}$/) } as { [P in K]?: string };
}
