import { readFileSync } from 'node:fs';
import { readYaml, type ConfigReader } from '../common/config-reader.js';
import { messageOf, UserError } from '../common/errors.js';
import type { Target } from '../common/names.js';
import { logLevels, type LogLevel } from '../common/runtime/log.js';
import type { Secret } from '../common/secret.js';
import { parseTls, pathOf, readSecret, type TlsConfig, type TlsFiles } from './config/files.js';
import { textFormats, type TextFormat } from './core/text-format.js';

export type { TlsConfig, TlsFiles };

/** Everything that may be left out, with its unit. */
export const defaults = {
  logLevel: 'info' as LogLevel,
  http: { path: '/', intervalMs: 500, timeoutMs: 300 },
  postgres: { database: 'postgres', intervalMs: 1_000, timeoutMs: 900 },
  /** Below this the status warns, in bytes. */
  minFreeBytes: 100 * 1024 * 1024,
  template: { commandTimeoutMs: 10_000, format: 'text' as TextFormat },
} as const;

declare const parsed: unique symbol;

/** Only `parseAgentConfig` makes one. */
export interface AgentConfig {
  readonly [parsed]: true;
  readonly box: string;
  readonly address: string;
  readonly stateDir: string;
  readonly log: { readonly level: LogLevel };
  readonly http: HttpConfig;
  readonly consul: ConsulConfig;
  readonly services: readonly ServiceConfig[];
  readonly templates: readonly TemplateConfig[];
}

/** Where the status is served, and the secret that allows changes there; without one nothing can be changed. */
export interface HttpConfig extends Target {
  readonly secret?: Secret;
  readonly secretFile?: string;
}

export interface ConsulConfig {
  readonly url: string;
  readonly token?: Secret;
  readonly tokenFile?: string;
}

interface ServiceCommon {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** The systemd unit that runs it. Absent: the agent can't start or stop it. */
  readonly unit?: string;
}

export interface HttpServiceConfig extends ServiceCommon {
  readonly kind: 'http';
  readonly probe: { readonly path: string; readonly intervalMs: number; readonly timeoutMs: number };
}

export interface PostgresServiceConfig extends ServiceCommon {
  readonly kind: 'postgres';
  readonly probe: {
    readonly user: string;
    readonly password: Secret;
    readonly passwordFile: string;
    readonly database: string;
    /** Absent: without TLS. */
    readonly ssl?: TlsConfig;
    readonly intervalMs: number;
    readonly timeoutMs: number;
  };
  readonly dataDir?: string;
  readonly minFreeBytes: number;
}

export type ServiceConfig = HttpServiceConfig | PostgresServiceConfig;

export interface TemplateConfig {
  readonly source: string;
  readonly destination: string;
  /** What reads the file. */
  readonly format: TextFormat;
  /** Program and arguments; no shell sees them. Absent: nothing is run. */
  readonly command?: readonly [string, ...string[]];
}

/** Reads and checks the file. Throws ConfigError or UserError, each a sentence, exit code 2. */
export function loadAgentConfig(file: string): AgentConfig {
  return parseAgentConfig(readText(file, 'the configuration'), file);
}

export function parseAgentConfig(text: string, file: string): AgentConfig {
  const root = readYaml(text, file).mapping([
    'box',
    'address',
    'stateDir',
    'log',
    'http',
    'consul',
    'services',
    'templates',
  ]);
  const address = hostOf(root('address'));
  const services = root('services').or([] as ServiceConfig[], (list) =>
    list.list('services').map((item) => parseService(item, address)),
  );
  services.forEach((service, index) => {
    if (services.findIndex((other) => other.name === service.name) !== index)
      root('services')
        .list('services')
        [index]!.entry('name')
        .refuse('a name that no other service of this box has');
  });
  return {
    box: root('box').text('a name of letters, digits and dashes', nameShape),
    address,
    stateDir: pathOf(root('stateDir')),
    log: root('log').or({ level: defaults.logLevel }, (log) => ({
      level: log
        .mapping(['level'])('level')
        .or(defaults.logLevel, (level) => level.oneOf(logLevels)),
    })),
    http: parseHttp(root('http')),
    consul: parseConsul(root('consul')),
    services,
    templates: root('templates').or([], (list) => list.list('templates').map(parseTemplate)),
  } as Omit<AgentConfig, typeof parsed> as AgentConfig;
}

/** What fits into a header of HTTP and is not guessed. */
export const secretShape = /^[\x21-\x7e]{16,}$/;
const unitShape = /^[A-Za-z0-9][A-Za-z0-9:_.\\-]*(@[A-Za-z0-9:_.\\-]*)?\.service$/;
const nameShape = /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;

function hostOf(reader: ConfigReader): string {
  return reader.text('an IP address or host name', /^[A-Za-z0-9.:_-]+$/);
}

function portOf(reader: ConfigReader): number {
  return reader.integer('a TCP port', 1, 65_535);
}

function parseHttp(reader: ConfigReader): HttpConfig {
  const http = reader.mapping(['host', 'port', 'secretFile']);
  const at = { host: hostOf(http('host')), port: portOf(http('port')) };
  const file = http('secretFile');
  if (!file.present) return at;
  const secret = readSecret(file, 'the secret that allows changes');
  if (!secretShape.test(secret.reveal()))
    file.refuse('a file with a secret of at least 16 letters, digits or signs, without spaces');
  return { ...at, secretFile: pathOf(file), secret };
}

function parseConsul(reader: ConfigReader): ConsulConfig {
  const consul = reader.mapping(['url', 'tokenFile']);
  const url = consul('url').text(
    'the address of the local Consul agent, like http://127.0.0.1:8500',
    /^https?:\/\/[^/?#\s@]+\/?$/,
  );
  if (!consul('tokenFile').present) return { url: url.replace(/\/$/, '') };
  const tokenFile = pathOf(consul('tokenFile'));
  return {
    url: url.replace(/\/$/, ''),
    tokenFile,
    token: readSecret(consul('tokenFile'), 'the Consul token'),
  };
}

function parseService(reader: ConfigReader, boxAddress: string): ServiceConfig {
  const always = ['name', 'kind', 'address', 'port', 'unit', 'probe'];
  const known = [...always, 'dataDir', 'minFreeBytes'];
  const kind = reader.mapping(known)('kind').oneOf(['http', 'postgres']);
  const service = reader.mapping(kind === 'postgres' ? known : always);
  const unit = service('unit').or(undefined, (name) =>
    name.text('the name of a systemd unit that ends in .service', unitShape),
  );
  const common = {
    ...(unit === undefined ? {} : { unit }),
    name: service('name').text('a service name of letters, digits and dashes', nameShape),
    address: service('address').or(boxAddress, hostOf),
    port: portOf(service('port')),
  };
  switch (kind) {
    case 'http': {
      const probe = optionalMapping(service('probe'), ['path', 'intervalMs', 'timeoutMs']);
      return {
        ...common,
        kind,
        probe: {
          path: probe('path')?.text('a path that begins with /', /^\/[^\s]*$/) ?? defaults.http.path,
          ...timings(probe, defaults.http),
        },
      };
    }
    case 'postgres': {
      const probe = service('probe').mapping([
        'user',
        'passwordFile',
        'database',
        'ssl',
        'intervalMs',
        'timeoutMs',
      ]);
      const ssl = parseTls(probe('ssl'));
      const dataDir = service('dataDir').or(undefined, pathOf);
      return {
        ...common,
        kind,
        probe: {
          user: probe('user').text('the name of a database role'),
          passwordFile: pathOf(probe('passwordFile')),
          password: readSecret(probe('passwordFile'), 'the password'),
          database: probe('database').or(defaults.postgres.database, (name) =>
            name.text('the name of a database'),
          ),
          ...(ssl === undefined ? {} : { ssl }),
          ...timings((key) => present(probe(key)), defaults.postgres),
        },
        ...(dataDir === undefined ? {} : { dataDir }),
        minFreeBytes: service('minFreeBytes').or(defaults.minFreeBytes, (bytes) =>
          bytes.integer('bytes', 0, Number.MAX_SAFE_INTEGER),
        ),
      };
    }
  }
}

/**
 * The check in Consul is refreshed by the same rhythm, so an interval has an upper bound; and a probe ends before the
 * next is due.
 */
function timings(
  probe: (key: string) => ConfigReader | undefined,
  fallback: { readonly intervalMs: number; readonly timeoutMs: number },
): { intervalMs: number; timeoutMs: number } {
  const intervalMs = probe('intervalMs')?.integer('milliseconds', 100, 5_000) ?? fallback.intervalMs;
  const timeout = probe('timeoutMs');
  const timeoutMs =
    timeout?.integer('milliseconds, no more than intervalMs', 50, intervalMs) ??
    Math.min(fallback.timeoutMs, Math.floor(intervalMs * 0.9));
  return { intervalMs, timeoutMs };
}

function present(reader: ConfigReader): ConfigReader | undefined {
  return reader.present ? reader : undefined;
}

function optionalMapping(
  reader: ConfigReader,
  known: readonly string[],
): (key: string) => ConfigReader | undefined {
  if (!reader.present) return () => undefined;
  const mapping = reader.mapping(known);
  return (key) => present(mapping(key));
}

function parseTemplate(reader: ConfigReader): TemplateConfig {
  const template = reader.mapping(['source', 'destination', 'format', 'command']);
  const command = template('command').or(undefined, (list) => {
    const words = list.list('program and arguments').map((word) => word.text('a text'));
    if (words.length === 0) list.refuse('a list of program and arguments');
    return words as [string, ...string[]];
  });
  return {
    source: pathOf(template('source')),
    destination: pathOf(template('destination')),
    format: template('format').or(defaults.template.format, (format) => format.oneOf(textFormats)),
    ...(command === undefined ? {} : { command }),
  };
}

function readText(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UserError(`${file}: cannot read ${what}: ${messageOf(error)}`, { exitCode: 2, cause: error });
  }
}
