import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { firewallOf, openings } from '../../provision/services/derived/firewall.js';
import { parseTopology } from '../../provision/topology/topology.js';
import { boxOf, fileOf, realSite as site } from './sites.js';

const rules = (name: string, of = site) =>
  firewallOf(of, boxOf(of, name)).map(
    ({ port, protocol, from }) => `${port}/${protocol} from ${from?.join(' ') ?? 'anywhere'}`,
  );
const others = (own: string) =>
  site.topology.boxes
    .filter(({ name }) => name !== own)
    .map(({ host }) => `192.168.11.${host}`)
    .join(' ');

describe('what each box lets in', () => {
  test('adm1: DNS for all; SSH, the UI and the agent for the host; Consul and the agent for the boxes', () => {
    expect(rules('adm1')).toEqual([
      '53/tcp from anywhere',
      '53/udp from anywhere',
      '22/tcp from 192.168.11.1/32',
      '8500/tcp from 192.168.11.1/32',
      `8301/tcp from ${others('adm1')}`,
      `8301/udp from ${others('adm1')}`,
      `8300/tcp from ${others('adm1')}`,
      `8008/tcp from ${others('adm1')} 192.168.11.1/32`,
    ]);
  });

  test('pg2: Postgres for web apps and the other member; no Consul server', () => {
    expect(rules('pg2')).toEqual([
      '22/tcp from 192.168.11.1/32',
      `8301/tcp from ${others('pg2')}`,
      `8301/udp from ${others('pg2')}`,
      '5432/tcp from 192.168.11.21 192.168.11.22 192.168.11.11',
      `8008/tcp from ${others('pg2')} 192.168.11.1/32`,
    ]);
  });

  test('nginx2: the web for all, its web app for the other balancer', () => {
    expect(rules('nginx2')).toEqual([
      '80/tcp from anywhere',
      '443/tcp from anywhere',
      '22/tcp from 192.168.11.1/32',
      `8301/tcp from ${others('nginx2')}`,
      `8301/udp from ${others('nginx2')}`,
      `8008/tcp from ${others('nginx2')} 192.168.11.1/32`,
      '3000/tcp from 192.168.11.21',
    ]);
  });

  test('a new box is let in everywhere by the number in its group alone', () => {
    const file = JSON.parse(readFileSync('vagrant/topology.json', 'utf8')) as { groups: { count: number }[] };
    file.groups[2]!.count = 3;
    const grown = { ...site, topology: parseTopology('t', file) };
    expect(rules('pg1', grown)).toContain(
      '5432/tcp from 192.168.11.21 192.168.11.22 192.168.11.23 192.168.11.12',
    );
    expect(rules('nginx3', grown)).toContain('80/tcp from anywhere');
  });

  test('several management networks; a rule nobody could use is left out', () => {
    const wide = { ...site, managementCidrs: ['10.0.0.0/8', '10.0.2.2/32'] };
    expect(rules('adm1', wide)).toContain('22/tcp from 10.0.0.0/8 10.0.2.2/32');
    const alone = parseTopology('t', {
      ...(JSON.parse(readFileSync('vagrant/topology.json', 'utf8')) as object),
      groups: [{ name: 'pg', count: 1, firstHost: 11, consulServers: 1, services: ['pg'] }],
      dns: { box: 'pg1', name: 'a.test' },
    });
    expect(rules('pg1', { ...site, topology: alone })).toEqual([
      '53/tcp from anywhere',
      '53/udp from anywhere',
      '22/tcp from 192.168.11.1/32',
      '8500/tcp from 192.168.11.1/32',
      '8008/tcp from 192.168.11.1/32',
    ]);
  });
});

test('the rule file drops what it does not name, and has a line for every rule', () => {
  for (const box of site.topology.boxes) {
    const { content } = fileOf(site, box.name, 'nftables.conf');
    expect(content).toMatch(/hook input priority filter; policy drop;/);
    expect(content.match(/dport \d+ accept/g)).toHaveLength(firewallOf(site, box).length);
  }
  const { content } = fileOf(site, 'nginx1', 'nftables.conf');
  expect(content).toContain('    tcp dport 443 accept comment "HTTPS"\n');
  expect(content).toContain('    ip saddr { 192.168.11.22 } tcp dport 3000 accept comment "web app"\n');
});

test('docs/PORTS.md shows the same table', () => {
  const text = readFileSync('docs/PORTS.md', 'utf8');
  const section = text.slice(text.indexOf('## Ports'), text.indexOf('## Tokens'));
  const rows = section.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| what |'));
  expect(rows).toEqual(
    openings.map(
      ({ what, port, protocols, on, from }) =>
        `| ${what} | ${port} ${protocols.join(', ')} | ${on} | ${from.join(', ')} |`,
    ),
  );
});
