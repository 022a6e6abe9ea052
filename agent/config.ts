import { readFileSync } from 'node:fs';
import { readYaml, type ConfigReader } from '../common/text/config-reader.js';
import { messageOf, UserError } from '../common/errors.js';
import type { Target } from '../common/names.js';
import { logLevels, type LogLevel } from '../common/runtime/log.js';
import type { Secret } from '../common/secret.js';
import { pathOf, readSecret, type TlsConfig, type TlsFiles } from './config/files.js';
import { keysOf, kindNames, serviceOf, someKeys, type ServiceConfig } from './drivers/index.js';
import { textFormats, type TextFormat } from './core/catalogue/text-format.js';

export type { ServiceConfig, TlsConfig, TlsFiles };

/** What may be left out, with its unit. A kind's own stand beside its driver. */
export const defaults = {
  logLevel: 'info' as LogLevel,
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
  readonly supervisor: SupervisorConfig;
  readonly services: readonly ServiceConfig[];
  readonly templates: readonly TemplateConfig[];
}

/** Where the status is served, and the secret that allows changes there; without one nothing can be changed. */
export interface HttpConfig extends Target {
  readonly secret?: Secret;
  readonly secretFile?: string;
}

/** What starts and stops the units of services: systemd, or the lab that lies in `directory`. */
export type SupervisorConfig =
  { readonly kind: 'systemd' } | { readonly kind: 'processes'; readonly directory: string };

export interface ConsulConfig {
  readonly url: string;
  readonly token?: Secret;
  readonly tokenFile?: string;
}

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
    'supervisor',
    'services',
    'templates',
  ]);
  const address = hostOf(root('address'));
  const supervisor = root('supervisor').or({ kind: 'systemd' } as SupervisorConfig, parseSupervisor);
  const services = root('services').or([] as ServiceConfig[], (list) =>
    list.list('services').map((item) => parseService(item, address, supervisor)),
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
    supervisor,
    services,
    templates: root('templates').or([], (list) => list.list('templates').map(parseTemplate)),
  } as Omit<AgentConfig, typeof parsed> as AgentConfig;
}

/** What fits into a header of HTTP and is not guessed. */
export const secretShape = /^[\x21-\x7e]{16,}$/;
const unitShapes = {
  systemd: {
    expected: 'the name of a systemd unit that ends in .service',
    shape: /^[A-Za-z0-9][A-Za-z0-9:_.\\-]*(@[A-Za-z0-9:_.\\-]*)?\.service$/,
  },
  processes: {
    expected: "the name of one of the lab's programs, like pg@pg1",
    shape: /^[A-Za-z0-9-]+@[A-Za-z0-9-]+$/,
  },
} as const;
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

function parseSupervisor(reader: ConfigReader): SupervisorConfig {
  if (reader.value === 'systemd') return { kind: 'systemd' };
  if (typeof reader.value !== 'object' || reader.value === null)
    reader.refuse('systemd, or a mapping of processes and the folder of a lab');
  return { kind: 'processes', directory: pathOf(reader.mapping(['processes'])('processes')) };
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

const serviceKeys = ['name', 'kind', 'address', 'port', 'unit', 'probe'];

function parseService(reader: ConfigReader, boxAddress: string, supervisor: SupervisorConfig): ServiceConfig {
  const kind = reader
    .mapping([...serviceKeys, ...someKeys])('kind')
    .oneOf(kindNames);
  const service = reader.mapping([...serviceKeys, ...keysOf(kind)]);
  const { expected, shape } = unitShapes[supervisor.kind];
  const unit = service('unit').or(undefined, (name) => name.text(expected, shape));
  const common = {
    ...(unit === undefined ? {} : { unit }),
    name: service('name').text('a service name of letters, digits and dashes', nameShape),
    address: service('address').or(boxAddress, hostOf),
    port: portOf(service('port')),
  };
  return serviceOf(common, kind, service);
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
