import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../common/runtime/clock.js';
import { contains, overlap, parseNetwork, prefixLengthOf } from '../../../vagrant/preflight/ipv4.js';
import {
  appArmorProfileIn,
  cgroupsIn,
  filtersBridge,
  missingCapabilitiesIn,
} from '../../../vagrant/preflight/sources/lxc.js';
import { interfacesFromJson, routesFrom } from '../../../vagrant/preflight/sources/network.js';
import { askVersion, programOf } from '../../../vagrant/preflight/sources/programs.js';
import { gatherTaken, neighboursFrom } from '../../../vagrant/preflight/sources/taken.js';
import { gatherTls } from '../../../vagrant/preflight/sources/tls.js';
import {
  gatherBox,
  gatherPlugins,
  installedIn,
  madeBoxes,
} from '../../../vagrant/preflight/sources/vagrant.js';
import { hostOnlyNetworksIn } from '../../../vagrant/preflight/sources/virtualbox.js';
import { atLeast, versionIn } from '../../../vagrant/preflight/version.js';
import { freePorts } from '../../support/ports.js';
import { lxcPlan } from './builders.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hotspare-preflight-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const put = (path: string, content: string, mode = 0o644) => {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content, { mode });
  return join(folder, path);
};

describe('versions', () => {
  test.each([
    ['Vagrant 2.3.4', '2.3.4'],
    ['7.0.20_Debianr163906', '7.0.20'],
    ['6.1.28r147628', '6.1.28'],
    ['v20.19.0', '20.19.0'],
    ['none', undefined],
  ])('in "%s"', (text, version) => expect(versionIn(text)).toBe(version));

  test.each([
    ['6.1.28', '6.1.28', true],
    ['6.1.28', '6.1.27', true],
    ['6.1.9', '6.1.28', false],
    ['7.0', '6.1.28', true],
    ['10.0.0', '9.9.9', true],
    ['2.4', '2.4.0', true],
    ['2.3.99', '2.4', false],
  ])('%s is at least %s: %s', (version, minimum, is) => expect(atLeast(version, minimum)).toBe(is));
});

describe('networks', () => {
  test.each([
    '10.0.0.0/33',
    '10.0.0/8',
    '256.0.0.0/8',
    '10.0.0.0/8/8',
    '10.0.0.0/x',
    '10.0.0.0/',
    '::/0',
    '#',
  ])('"%s" is none', (text) => expect(parseNetwork(text)).toBeUndefined());
  test('contain and overlap', () => {
    const network = { address: '192.168.56.0', prefixLength: 21 };
    expect(contains(network, '192.168.63.255')).toBe(true);
    expect(contains(network, '192.168.64.0')).toBe(false);
    expect(contains({ address: '0.0.0.0', prefixLength: 0 }, '203.0.113.9')).toBe(true);
    expect(overlap({ address: '192.168.60.1', prefixLength: 24 }, network)).toBe(true);
    expect(overlap(network, { address: '192.168.60.1', prefixLength: 24 })).toBe(true);
    expect(overlap(network, { address: '192.168.55.9', prefixLength: 24 })).toBe(false);
    expect(prefixLengthOf('255.255.248.0')).toBe(21);
    expect(prefixLengthOf('')).toBe(0);
  });
});

describe('programs', () => {
  const result = { exitCode: 0, stdout: '', stderr: '', timedOut: false };
  test("VirtualBox' warning before its version is kept", () => {
    const stdout =
      'WARNING: The character device /dev/vboxdrv does not exist.\n\t Please install the virtualbox-dkms package\n7.0.20r163906\n';
    expect(programOf({ ...result, stdout })).toEqual({
      state: 'found',
      version: '7.0.20',
      warning: 'The character device /dev/vboxdrv does not exist',
    });
  });
  test.each([
    ['a failure', { ...result, exitCode: 1, stdout: '', stderr: 'no gems\nmore' }, 'no gems'],
    ['silence', { ...result, exitCode: 3 }, 'it ended with 3'],
    ['no number', { ...result, stdout: 'hello' }, 'hello'],
    ['no end', { ...result, exitCode: undefined, timedOut: true }, 'it did not end in time'],
  ])('%s is no version', (_, given, said) => {
    expect(programOf(given)).toEqual({ state: 'failed', said });
  });
  test('an absent one is a fact', async () => {
    expect(await askVersion('no-such-program-here', ['--version'], { PATH: folder })).toEqual({
      state: 'absent',
    });
  });
  test('one that cannot be run, too', async () => {
    put('bin/broken', '#!/no/such/interpreter\n', 0o755);
    put('bin/garbled', '#!/bin/sh\necho oh; exit 4\n', 0o755);
    const environment = { PATH: `${join(folder, 'bin')}:/usr/bin:/bin` };
    expect((await askVersion('broken', [], environment)).state).not.toBe('found');
    expect(await askVersion('garbled', [], environment)).toEqual({ state: 'failed', said: 'oh' });
  });
});

describe('network', () => {
  test('interfaces from ip -j', () => {
    const json = JSON.stringify([
      { ifname: 'lo', addr_info: [{ family: 'inet', local: '127.0.0.1', prefixlen: 8 }] },
      {},
      {
        ifname: 'eth0',
        addr_info: [
          { family: 'inet6', local: 'fe80::1', prefixlen: 64 },
          { family: 'inet', local: '10.0.0.1', prefixlen: 24 },
        ],
      },
    ]);
    expect(interfacesFromJson(json)).toEqual([
      { name: 'lo', addresses: [{ address: '127.0.0.1', prefixLength: 8 }] },
      { name: 'eth0', addresses: [{ address: '10.0.0.1', prefixLength: 24 }] },
    ]);
    expect(interfacesFromJson('Usage: ip [OPTIONS]')).toBeUndefined();
    expect(interfacesFromJson('{}')).toBeUndefined();
  });

  test('routes from /proc/net/route', () => {
    const table = [
      'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT',
      'eth0\t00000000\t0102000A\t0003\t0\t0\t0\t00000000\t0\t0\t0',
      'tun0\t0000A8C0\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0',
      '',
    ].join('\n');
    expect(routesFrom(table)).toEqual([{ interface: 'tun0', address: '192.168.0.0', prefixLength: 16 }]);
    expect(routesFrom('')).toEqual([]);
  });

  test('neighbours that answered, from /proc/net/arp', () => {
    const table = [
      'IP address       HW type     Flags       HW address            Mask     Device',
      '192.168.11.5     0x1         0x2         00:16:3e:aa:bb:cc     *        br0',
      '192.168.11.6     0x1         0x0         00:00:00:00:00:00     *        br0',
    ].join('\n');
    expect([...neighboursFrom(table)]).toEqual([['192.168.11.5', '00:16:3e:aa:bb:cc']]);
  });

  test('an address of a box that answers is taken; one behind no interface is not asked', async () => {
    const [port = 0] = await freePorts(1);
    const interfaces = [{ name: 'lo', addresses: [{ address: '127.0.0.1', prefixLength: 8 }] }];
    const box = (name: string, address: string, exists = false) => ({
      name,
      address,
      exists,
      running: false,
    });
    const plan = lxcPlan({
      boxes: [box('pg1', '127.0.77.11'), box('pg2', '127.0.77.12', true), box('adm1', '192.0.2.5')],
    });
    const taken = await gatherTaken(plan, interfaces, { PATH: folder }, systemClock, port);
    expect(taken).toEqual([
      { address: '127.0.77.11', how: `refuses connections to port ${port}`, mac: undefined },
    ]);
  });

  test('host-only networks, of both sorts', () => {
    const listing = [
      'Name:            vboxnet0',
      'GUID:            786f6276-656e-4074-8000-0a0027000000',
      'DHCP:            Disabled',
      'IPAddress:       192.168.56.1',
      'NetworkMask:     255.255.255.0',
      'Status:          Up',
      '',
      'Name:            vagrantnet-vbox1',
      'State:           Enabled',
      'NetworkMask:     255.255.255.0',
      'LowerIP:         192.168.11.0',
      'UpperIP:         192.168.11.0',
      '',
    ];
    const found = [
      { name: 'vboxnet0', address: '192.168.56.1', prefixLength: 24 },
      { name: 'vagrantnet-vbox1', address: '192.168.11.0', prefixLength: 24 },
    ];
    expect(hostOnlyNetworksIn(listing.join('\n'))).toEqual(found);
    expect(hostOnlyNetworksIn(listing.join('\r\n'))).toEqual(found);
    expect(hostOnlyNetworksIn('')).toEqual([]);
  });
});

describe("the kernel's own words", () => {
  const line = (type: string, options: string) => `${type} /sys/fs/cgroup ${type} ${options} 0 0`;
  test.each([
    ['none', [], { layout: 'none', writable: false, forSystemd: false }],
    ['version 2', [line('cgroup2', 'rw,nosuid')], { layout: 'unified', writable: true, forSystemd: true }],
    [
      'read-only, as in a plain container',
      [line('cgroup2', 'ro,nosuid')],
      { layout: 'unified', writable: false, forSystemd: true },
    ],
    [
      'both, with systemd',
      [line('cgroup', 'rw,cpu'), line('cgroup', 'rw,name=systemd'), line('cgroup2', 'rw')],
      { layout: 'hybrid', writable: true, forSystemd: true },
    ],
    [
      'version 1 without systemd',
      [line('cgroup', 'rw,cpu')],
      { layout: 'legacy', writable: true, forSystemd: false },
    ],
  ])('control groups: %s', (_, lines, expected) => {
    expect(cgroupsIn(`tmpfs /tmp tmpfs rw 0 0\n${lines.join('\n')}\n`)).toEqual(expected);
  });

  test.each([
    ['-P FORWARD ACCEPT\n', false],
    ['-P FORWARD DROP\n-A FORWARD -j DOCKER-USER\n', true],
    ['-P FORWARD DROP\n-A FORWARD -i br9 -o br9 -j ACCEPT\n', false],
    ['-P FORWARD DROP\n-A FORWARD -i br1 -o br1 -j ACCEPT\n', true],
  ])('the firewall %j filters the bridge br9: %s', (rules, filters) => {
    expect(filtersBridge(rules, 'br9')).toBe(filters);
  });

  test('capabilities', () => {
    expect(missingCapabilitiesIn('CapPrm:\t0\nCapEff:\t000001ffffffffff\n')).toEqual([]);
    // What Docker leaves to root.
    expect(missingCapabilitiesIn('CapEff:\t00000000a80425fb\n')).toEqual(['CAP_NET_ADMIN', 'CAP_SYS_ADMIN']);
    expect(missingCapabilitiesIn('')).toEqual([]);
  });

  test('AppArmor', () => {
    expect(appArmorProfileIn('docker-default (enforce)\n')).toBe('docker-default');
    expect(appArmorProfileIn('unconfined\n')).toBeUndefined();
    expect(appArmorProfileIn('system_u:system_r:init_t:s0\0')).toBeUndefined();
    expect(appArmorProfileIn('')).toBeUndefined();
  });
});

describe("Vagrant's own notes", () => {
  test('plugins, wherever they were installed', async () => {
    put('home/plugins.json', '{"version":"1","installed":{"vagrant-lxc":{}}}');
    put('project/.vagrant/plugins.json', '{"version":"1","installed":{"vagrant-hosts":{}}}');
    const environment = { VAGRANT_HOME: join(folder, 'home'), PATH: folder };
    const plugins = await gatherPlugins(environment, join(folder, 'project/.vagrant'));
    expect(plugins).toEqual(expect.arrayContaining(['vagrant-hosts', 'vagrant-lxc']));
    expect(installedIn('{"installed":')).toEqual([]);
    expect(installedIn('[]')).toEqual([]);
  });

  test('the box, in both layouts, for this provider only', async () => {
    const environment = { VAGRANT_HOME: join(folder, 'home') };
    put('home/boxes/a-VAGRANTSLASH-old/0/lxc/metadata.json', '{}');
    put('home/boxes/a-VAGRANTSLASH-new/1.2.3/amd64/lxc/metadata.json', '{}');
    put('home/boxes/a-VAGRANTSLASH-other/0/virtualbox/metadata.json', '{}');
    expect(await gatherBox('a/old', 'lxc', environment)).toBe('present');
    expect(await gatherBox('a/new', 'lxc', environment)).toBe('present');
    expect(await gatherBox('a/other', 'lxc', environment)).toBe('absent');
    expect(await gatherBox('a/none', 'lxc', environment)).toBe('absent');
  });

  test('boxes that were made', async () => {
    const dotfiles = dirname(put('dot/marker', ''));
    put('dot/machines/pg1/lxc/id', 'pg1');
    put('dot/machines/pg2/lxc/id', '');
    put('dot/machines/adm1/virtualbox/id', 'some-uuid');
    expect(await madeBoxes(dotfiles, 'lxc', ['adm1', 'pg1', 'pg2', 'nginx1'])).toEqual(new Set(['pg1']));
  });
});

describe('certificate and key', () => {
  const cert = (name: string) => ({ HOTSPARE_TLS_CERT: `${name}.pem`, HOTSPARE_TLS_KEY: `${name}.key` });
  const day = 24 * 60 * 60 * 1000;
  const look = (environment: Record<string, string>, nowMs = Date.now()) =>
    gatherTls(environment, folder, join(folder, 'tls'), nowMs);
  beforeAll(() => {
    for (const name of ['a', 'b'])
      execFileSync(
        'openssl',
        [
          ...['req', '-x509', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
          ...['-days', '10', '-subj', `/CN=${name}`],
          ...['-keyout', join(folder, `${name}.key`), '-out', join(folder, `${name}.pem`)],
        ],
        { stdio: 'pipe' },
      );
    execFileSync(
      'openssl',
      [
        ...['pkey', '-aes256', '-passout', 'pass:secret'],
        ...['-in', join(folder, 'a.key'), '-out', join(folder, 'locked.key')],
      ],
      { stdio: 'pipe' },
    );
    put('garbage.pem', 'not a secret, but it must not be quoted');
  });

  test('a pair', async () => {
    expect(await look(cert('a'))).toMatchObject({ state: 'given', match: true, validity: 'ends-soon' });
  });
  test('after its time', async () => {
    expect(await look(cert('a'), Date.now() + 11 * day)).toMatchObject({ state: 'given', validity: 'over' });
  });
  test("another one's key", async () => {
    expect(await look({ ...cert('a'), HOTSPARE_TLS_KEY: 'b.key' })).toMatchObject({ match: false });
  });
  test.each([
    [{ HOTSPARE_TLS_CERT: 'none.pem' }, 'none.pem', 'there is no such file'],
    [{ HOTSPARE_TLS_CERT: 'garbage.pem' }, 'garbage.pem', 'it holds no certificate in PEM'],
    [{ HOTSPARE_TLS_KEY: 'a.pem' }, 'a.pem', 'it holds no private key in PEM'],
    [{ HOTSPARE_TLS_KEY: 'locked.key' }, 'locked.key', 'it is protected by a passphrase'],
    [{ HOTSPARE_TLS_KEY: '.' }, '.', 'it cannot be read (EISDIR)'],
  ])('%j cannot be used', async (change, file, why) => {
    expect(await look({ ...cert('a'), ...change })).toEqual({ state: 'unusable', file, why });
  });
  test('half of it, and none', async () => {
    expect(await look({ HOTSPARE_TLS_CERT: 'a.pem' })).toEqual({
      state: 'half-given',
      missing: 'HOTSPARE_TLS_KEY',
    });
    expect(await look({ HOTSPARE_TLS_KEY: 'a.key', HOTSPARE_TLS_CERT: '' })).toEqual({
      state: 'half-given',
      missing: 'HOTSPARE_TLS_CERT',
    });
    expect(await look({})).toEqual({ state: 'none-given' });
  });
  describe('one from before', () => {
    const keep = (name: string, files: Readonly<Record<string, string>>) => {
      for (const [to, from] of Object.entries(files))
        put(join(name, to), readFileSync(join(folder, from), 'utf8'));
      return gatherTls({}, folder, join(folder, name), Date.now());
    };
    test('made here', async () => {
      expect(await keep('own', { 'own-cert.pem': 'a.pem', 'own-key.pem': 'a.key' })).toEqual({
        state: 'made',
      });
    });
    test('made here and broken: as if there were none', async () => {
      const files = { 'own-cert.pem': 'a.pem', 'own-key.pem': 'b.key' };
      expect(await keep('own-broken', files)).toEqual({ state: 'none-given' });
    });
    test('given', async () => {
      const files = { 'given-cert.pem': 'a.pem', 'given-key.pem': 'a.key' };
      expect(await keep('given', files)).toMatchObject({
        state: 'kept',
        folder: join(folder, 'given'),
        validity: 'ends-soon',
      });
    });
    test.each([
      [
        'mixed',
        { 'given-cert.pem': 'a.pem', 'given-key.pem': 'b.key' },
        /mixed\/given-key\.pem is not the key of/,
      ],
      ['half', { 'given-key.pem': 'a.key' }, /given-cert\.pem: there is no such file/],
      ['garbled', { 'given-cert.pem': 'garbage.pem', 'given-key.pem': 'a.key' }, /no certificate/],
    ])('given, and %s', async (name, files, why) => {
      const found = await keep(name, files);
      expect(found).toEqual({
        state: 'kept-broken',
        folder: join(folder, name),
        why: expect.stringMatching(why) as string,
      });
    });
  });
});
