import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigError, UserError } from '../../common/errors.js';
import {
  loadSettings,
  resolveSettings,
  saveSettings,
  settingsFile,
  type Settings,
} from '../../vagrant/settings.js';

const defaults = {
  subnet: '192.168.11',
  bridge: 'hotspare0',
  boxNames: ['adm1', 'pg1', 'nginx1'],
  folder: '/project',
};
const remembered: Settings = {
  subnet: '10.9.8',
  provider: 'lxc',
  containerPrefix: 'a-',
  bridge: 'br9',
  topologyFile: '/elsewhere/topology.json',
  backups: '/elsewhere/backups',
};

describe('what is wished', () => {
  test('nothing: the defaults', () => {
    const { settings, sources } = resolveSettings({}, undefined, defaults);
    expect(settings).toEqual({
      subnet: '192.168.11',
      provider: 'virtualbox',
      containerPrefix: '',
      bridge: 'hotspare0',
      topologyFile: undefined,
      backups: undefined,
    });
    expect(new Set(Object.values(sources))).toEqual(new Set(['default']));
  });

  test('nothing, but there was something: that', () => {
    const { settings, sources } = resolveSettings({}, remembered, defaults);
    expect(settings).toEqual(remembered);
    expect(new Set(Object.values(sources))).toEqual(new Set(['remembered']));
  });

  test('the environment goes before all', () => {
    const environment = {
      HOTSPARE_SUBNET: '192.168.56',
      VAGRANT_DEFAULT_PROVIDER: 'virtualbox',
      HOTSPARE_LXC_PREFIX: 'b',
      HOTSPARE_LXC_BRIDGE: 'br-1.x_2',
      HOTSPARE_TOPOLOGY: 'four.json',
      HOTSPARE_BACKUPS: '../dumps',
    };
    const { settings, sources } = resolveSettings(environment, remembered, defaults);
    expect(settings).toEqual({
      subnet: '192.168.56',
      provider: 'virtualbox',
      containerPrefix: 'b',
      bridge: 'br-1.x_2',
      topologyFile: '/project/four.json',
      backups: '/dumps',
    });
    expect(new Set(Object.values(sources))).toEqual(new Set(['environment']));
  });

  test('empty: back to the default', () => {
    const environment = {
      HOTSPARE_SUBNET: '',
      VAGRANT_DEFAULT_PROVIDER: '',
      HOTSPARE_LXC_PREFIX: '',
      HOTSPARE_LXC_BRIDGE: '',
      HOTSPARE_TOPOLOGY: '',
      HOTSPARE_BACKUPS: '',
    };
    expect(resolveSettings(environment, remembered, defaults)).toEqual(
      resolveSettings({}, undefined, defaults),
    );
  });

  test.each(['10.0.0', '10.255.255', '172.16.0', '172.31.255', '192.168.0', '192.168.255'])(
    'the subnet %s is private',
    (subnet) => {
      expect(resolveSettings({ HOTSPARE_SUBNET: subnet }, undefined, defaults).settings.subnet).toBe(subnet);
    },
  );

  const refused: [variable: string, value: string, expected: RegExp][] = [
    [
      'HOTSPARE_SUBNET',
      '8.8.8',
      /HOTSPARE_SUBNET is "8\.8\.8"; expected the first three numbers of a private/,
    ],
    ['HOTSPARE_SUBNET', '172.32.0', /private/],
    ['HOTSPARE_SUBNET', '172.15.255', /private/],
    ['HOTSPARE_SUBNET', '127.0.11', /private/],
    ['HOTSPARE_SUBNET', '192.169.1', /private/],
    ['HOTSPARE_SUBNET', '192.168.56.0', /three numbers/],
    ['HOTSPARE_SUBNET', '192.168.56.0/24', /three numbers/],
    ['HOTSPARE_SUBNET', '192.168.256', /three numbers/],
    ['HOTSPARE_SUBNET', '192.168.056', /three numbers/],
    ['HOTSPARE_SUBNET', '192.168', /three numbers/],
    ['HOTSPARE_SUBNET', ' 192.168.56', /three numbers/],
    ['VAGRANT_DEFAULT_PROVIDER', 'libvirt', /one of virtualbox, lxc/],
    ['HOTSPARE_LXC_PREFIX', 'toolong', /at most 6 .* nginx1 is called ve-PREFIXnginx1, of at most 15/],
    ['HOTSPARE_LXC_PREFIX', 'A', /lower-case/],
    ['HOTSPARE_LXC_PREFIX', '-a', /a letter first/],
    ['HOTSPARE_LXC_PREFIX', 'a_b', /lower-case/],
    ['HOTSPARE_LXC_BRIDGE', 'sixteen-letters-', /at most 15/],
    ['HOTSPARE_LXC_BRIDGE', '0br', /a letter first/],
    ['HOTSPARE_LXC_BRIDGE', 'br/0', /network interface/],
    ['HOTSPARE_LXC_BRIDGE', 'br 0', /network interface/],
  ];
  test.each(refused)('%s=%s is refused', (variable, value, expected) => {
    const attempt = () => resolveSettings({ [variable]: value }, remembered, defaults);
    expect(attempt).toThrow(ConfigError);
    expect(attempt).toThrow(expected);
  });

  test('a prefix has the room the longest box leaves', () => {
    const wish = (prefix: string, boxNames: string[]) =>
      resolveSettings({ HOTSPARE_LXC_PREFIX: prefix }, undefined, { ...defaults, boxNames });
    expect(wish('abcdef', ['pg1', 'nginx1']).settings.containerPrefix).toBe('abcdef');
    expect(() => wish('abcdef', ['pg1', 'nginx10'])).toThrow(/at most 5/);
    expect(() => wish('a', ['balancers-of-ours1'])).toThrow(/at most 0/);
  });
});

describe('what is remembered', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hotspare-settings-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('nothing at first', () => {
    expect(loadSettings(join(folder, 'none'))).toBeUndefined();
  });

  test.each([
    remembered,
    { ...remembered, containerPrefix: '', topologyFile: undefined, backups: undefined },
  ])('is read back as it was, %#', (settings) => {
    const state = join(folder, 'state');
    saveSettings(state, settings);
    expect(loadSettings(state)).toEqual(settings);
    saveSettings(state, { ...settings, subnet: '192.168.56' });
    expect(loadSettings(state)?.subnet).toBe('192.168.56');
  });

  test('is for this user only, also where a wider file was, and nothing is left beside it', () => {
    writeFileSync(settingsFile(folder), '{}');
    chmodSync(settingsFile(folder), 0o644);
    saveSettings(folder, remembered);
    expect(statSync(settingsFile(folder)).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['settings.json']);
  });

  test('may hold keys of a later version', () => {
    saveSettings(folder, remembered);
    const data = JSON.parse(readFileSync(settingsFile(folder), 'utf8')) as object;
    writeFileSync(settingsFile(folder), JSON.stringify({ ...data, later: 1 }));
    expect(loadSettings(folder)).toEqual(remembered);
  });

  const broken: [about: string, text: string, said: RegExp][] = [
    ['no JSON', '{"subnet": "10.', /settings\.json is broken \(.+\)\. Delete it, and give .*HOTSPARE_SUBNET/],
    ['empty', '', /is broken/],
    ['a list', '[]', /not an object/],
    ['a key is missing', '{"subnet":"10.9.8"}', /"provider" is missing/],
    ['a number', JSON.stringify({ ...remembered, subnet: 10 }), /"subnet" is 10/],
    ['a public subnet', JSON.stringify({ ...remembered, subnet: '9.9.9' }), /"subnet" is "9\.9\.9"/],
    ['a shell command', JSON.stringify({ ...remembered, bridge: 'br; reboot' }), /"bridge" is/],
    ['a prefix', JSON.stringify({ ...remembered, containerPrefix: '../' }), /"containerPrefix" is/],
  ];
  test.each(broken)('broken (%s): a sentence that says what to do', (_, text, said) => {
    writeFileSync(settingsFile(folder), text);
    const attempt = () => loadSettings(folder);
    expect(attempt).toThrow(UserError);
    expect(attempt).toThrow(said);
  });
});
