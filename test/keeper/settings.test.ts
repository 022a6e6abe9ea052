import { describe, expect, test } from 'vitest';
import { conninfo, withOwnName } from '../../keeper/verbs/parts/conninfo.js';
import {
  openValue,
  parseSettings,
  renderSettings,
  stripAutoConf,
  unset,
} from '../../keeper/state/settings.js';
import { parseVersion, versionWanted } from '../../keeper/postgres/versions.js';
import { parseKeeperConfig } from '../../keeper/config.js';

describe('the keeper’s file (D6)', () => {
  test.each(["it's", 'a\\b', "\\'", '"hotspare gate 00"', '', "application_name='pg2 x'"])(
    '%s comes back as it was',
    (value) => {
      const settings = { ...unset, synchronous_standby_names: value, primary_conninfo: value };
      expect(parseSettings(renderSettings(settings, 'r'))).toEqual(settings);
    },
  );
  test('anything else counts as unset', () => {
    expect(parseSettings('nonsense\nsynchronous_standby_names = broken')).toEqual(unset);
  });
});

test('postgresql.auto.conf loses what the keeper owns and what ends recovery, and nothing else (D2)', () => {
  const content =
    "# kept\nwork_mem = '1MB'\nSynchronous_Standby_Names = 'x'\n  recovery_target_lsn = '0/1'\npromote_trigger_file='/x'\nprimary_conninfo = 'y'\n";
  expect(stripAutoConf(content)).toEqual({
    content: "# kept\nwork_mem = '1MB'\n",
    removed: ['Synchronous_Standby_Names', 'recovery_target_lsn', 'promote_trigger_file', 'primary_conninfo'],
  });
});

test('open: for nobody, for one, for one of two', () => {
  expect([openValue([]), openValue(['pg2.ab']), openValue(['pg2.ab', 'pg3.cd'], 1)]).toEqual([
    '',
    'ANY 1 ("pg2.ab")',
    'ANY 1 ("pg2.ab", "pg3.cd")',
  ]);
});

test('a connection string carries the incarnation, and a new one replaces it (R5)', () => {
  const text = conninfo({ user: 'r', sslmode: 'prefer' }, { host: '::1', port: 5432 }, 'pg2.ab');
  expect(text).toBe('host=::1 port=5432 user=r sslmode=prefer connect_timeout=5 application_name=pg2.ab');
  expect(withOwnName(text, 'pg2.cd')).toContain('application_name=pg2.cd');
  expect(withOwnName('', 'pg2.cd')).toBe('');
});

test.each([
  ['15.12', '15.13'],
  ['15.13', undefined],
  ['15.18', undefined],
  ['16.8', '16.9'],
  ['17.4', '17.5'],
  ['17.10', undefined],
  ['18.0', undefined],
  ['14.20', '15.13'],
])('%s: wanted is %s (D1)', (version, wanted) => {
  expect(versionWanted(version)).toBe(wanted);
});

test('versions as programs and servers say them', () => {
  const said = ['postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)', '17.5 (Debian 17.5-1)', '19beta1'];
  expect(said.map(parseVersion)).toEqual(['15.18', '17.5', '19.0']);
});

describe('the configuration', () => {
  const yaml = (settingsFile: string, socket = '/run/k.sock') => `
member: pg1
socket: ${socket}
stateDir: /var/lib/k
postgres: { binDir: /b, dataDir: /d/main, configFile: /etc/p.conf, settingsFile: ${settingsFile}, socketDir: /run/p, port: 5432 }
replication: { user: r }
`;
  test('takes what is right', () => {
    expect(parseKeeperConfig(yaml('/etc/h.conf'), 'k.yaml').replication.sslmode).toBe('prefer');
  });
  test('refuses settings inside the data directory, and a socket whose name would be cut (D2, D6)', () => {
    expect(() => parseKeeperConfig(yaml('/d/main/h.conf'), 'k.yaml')).toThrow(
      /postgres.settingsFile.*outside the data directory/,
    );
    expect(() => parseKeeperConfig(yaml('/etc/h.conf', `/${'x'.repeat(101)}`), 'k.yaml')).toThrow(
      /at most 100/,
    );
  });
});
