import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ConfigError, UserError, codeOf, messageOf } from '../common/errors.js';
import { record } from '../common/text/json.js';
import { writeDurably } from '../common/runtime/files/replace-file.js';
import { maxInterfaceName, vethName } from './preflight/checks/lxc.js';
import { contains } from './preflight/ipv4.js';
import { providers, type Provider } from './preflight/model.js';

/** What is chosen once for a set of boxes and holds until it is chosen anew. */
export interface Settings {
  /** First three numbers of every address. */
  readonly subnet: string;
  readonly provider: Provider;
  /** Before the names of LXC containers and their interfaces; lets several sets live on one machine. Default: empty. */
  readonly containerPrefix: string;
  /** The bridge LXC boxes are plugged into. Default: the topology's. */
  readonly bridge: string;
  /** Absolute path. Undefined: the project's own vagrant/topology.json. */
  readonly topologyFile: string | undefined;
  /** Absolute path of the folder of dumps. Undefined: backups/ beside the Vagrantfile. */
  readonly backups: string | undefined;
}

/** Which values there are without any wish; and what the wishes are checked against. */
export interface TopologyDefaults {
  readonly subnet: string;
  readonly bridge: string;
  /** Names of the boxes: with a prefix, they must fit into names of network interfaces. */
  readonly boxNames: readonly string[];
  /** Relative paths begin here: the folder of the Vagrantfile. */
  readonly folder: string;
}

export type SettingSource = 'environment' | 'remembered' | 'default';

export interface ResolvedSettings {
  readonly settings: Settings;
  /** Where each came from. */
  readonly sources: { readonly [name in keyof Settings]: SettingSource };
}

/** RFC 1918. */
const privateRanges = [
  { address: '10.0.0.0', prefixLength: 8 },
  { address: '172.16.0.0', prefixLength: 12 },
  { address: '192.168.0.0', prefixLength: 16 },
];

/**
 * The environment decides, then what is remembered, then the topology. A variable that is set and empty goes back to the
 * topology's value. Throws ConfigError naming the variable.
 */
export function resolveSettings(
  environment: Readonly<Record<string, string | undefined>>,
  remembered: Settings | undefined,
  defaults: TopologyDefaults,
): ResolvedSettings {
  const choose = <T>(
    variable: string,
    check: (text: string) => T | undefined,
    expected: string,
    before: T | undefined,
    otherwise: T,
  ): { value: T; source: SettingSource } => {
    const wish = environment[variable];
    if (wish === '') return { value: otherwise, source: 'default' };
    if (wish === undefined)
      return before === undefined
        ? { value: otherwise, source: 'default' }
        : { value: before, source: 'remembered' };
    const value = check(wish);
    if (value === undefined) throw new ConfigError('environment', variable, wish, expected);
    return { value, source: 'environment' };
  };
  const subnet = choose('HOTSPARE_SUBNET', asSubnet, subnetExpected, remembered?.subnet, defaults.subnet);
  const provider = choose(
    'VAGRANT_DEFAULT_PROVIDER',
    asProvider,
    `one of ${providers.join(', ')}`,
    remembered?.provider,
    'virtualbox',
  );
  const room = Math.max(0, maxInterfaceName - vethName('', longest(defaults.boxNames)).length);
  const containerPrefix = choose(
    'HOTSPARE_LXC_PREFIX',
    (text) => (text.length <= room ? asPrefix(text) : undefined),
    `at most ${room} lower-case letters, digits and hyphens, a letter first (the network interface of ${longest(defaults.boxNames)} is called ve-PREFIX${longest(defaults.boxNames)}, of at most ${maxInterfaceName} letters)`,
    remembered?.containerPrefix,
    '',
  );
  const bridge = choose(
    'HOTSPARE_LXC_BRIDGE',
    asInterface,
    interfaceExpected,
    remembered?.bridge,
    defaults.bridge,
  );
  const topologyFile = choose<string | undefined>(
    'HOTSPARE_TOPOLOGY',
    (path) => resolve(defaults.folder, path),
    'a path',
    remembered?.topologyFile,
    undefined,
  );
  const backups = choose<string | undefined>(
    'HOTSPARE_BACKUPS',
    (path) => resolve(defaults.folder, path),
    'a path',
    remembered?.backups,
    undefined,
  );
  return {
    settings: {
      subnet: subnet.value,
      provider: provider.value,
      containerPrefix: containerPrefix.value,
      bridge: bridge.value,
      topologyFile: topologyFile.value,
      backups: backups.value,
    },
    sources: {
      subnet: subnet.source,
      provider: provider.source,
      containerPrefix: containerPrefix.source,
      bridge: bridge.source,
      topologyFile: topologyFile.source,
      backups: backups.source,
    },
  };
}

const subnetExpected =
  'the first three numbers of a private IPv4 network, like 192.168.56 (10.x.y, 172.16.x to 172.31.x, 192.168.x)';
const interfaceExpected = `the name of a network interface: at most ${maxInterfaceName} letters, digits, "-", "_" and ".", a letter first`;

function asSubnet(text: string): string | undefined {
  const isThreeNumbers = /^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){2}$/.test(text);
  return isThreeNumbers && privateRanges.some((range) => contains(range, `${text}.0`)) ? text : undefined;
}

function asProvider(text: string): Provider | undefined {
  return providers.find((provider) => provider === text);
}

function asPrefix(text: string): string | undefined {
  return /^([a-z][a-z0-9-]*)?$/.test(text) ? text : undefined;
}

/** As the kernel's dev_valid_name, without what would have to be quoted in a shell. */
function asInterface(text: string): string | undefined {
  const isName = text.length <= maxInterfaceName && /^[A-Za-z][A-Za-z0-9_.-]*$/.test(text);
  return isName ? text : undefined;
}

function longest(names: readonly string[]): string {
  return names.reduce((a, b) => (b.length > a.length ? b : a), '');
}

export function settingsFile(stateFolder: string): string {
  return join(stateFolder, 'settings.json');
}

/** What was remembered in the state folder; undefined when nothing was yet. Throws UserError when the file is broken. */
export function loadSettings(stateFolder: string): Settings | undefined {
  const file = settingsFile(stateFolder);
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new UserError(`${file} cannot be read: ${messageOf(error)}. Make it readable for this user.`);
  }
  try {
    return parseSettings(JSON.parse(content));
  } catch (error) {
    throw new UserError(
      `${file} is broken (${messageOf(error)}). Delete it, and give what was chosen once more: HOTSPARE_SUBNET, HOTSPARE_LXC_PREFIX, HOTSPARE_LXC_BRIDGE, HOTSPARE_TOPOLOGY, HOTSPARE_BACKUPS.`,
    );
  }
}

/** Throws TypeError. Keys it does not know are left out. */
function parseSettings(data: unknown): Settings {
  const object = record(data);
  const checked = <T>(key: keyof Settings, check: (text: string) => T | undefined): T => {
    const value = object[key];
    const good = typeof value === 'string' ? check(value) : undefined;
    if (good === undefined) throw new TypeError(`"${key}" is ${JSON.stringify(value) ?? 'missing'}`);
    return good;
  };
  const optionalPath = (key: 'topologyFile' | 'backups') =>
    object[key] === undefined ? undefined : checked(key, (path) => path || undefined);
  return {
    subnet: checked('subnet', asSubnet),
    provider: checked('provider', asProvider),
    containerPrefix: checked('containerPrefix', asPrefix),
    bridge: checked('bridge', asInterface),
    topologyFile: optionalPath('topologyFile'),
    backups: optionalPath('backups'),
  };
}

/** Remembers the settings, whole or not at all; for this user only (0600). */
export function saveSettings(stateFolder: string, settings: Settings): void {
  const file = settingsFile(stateFolder);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeDurably(file, `${JSON.stringify(settings, null, 2)}\n`);
}
