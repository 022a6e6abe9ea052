import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openings } from '../../provision/services/derived/firewall.js';
import { programs, programsOn, serviceNames } from '../../provision/services/index.js';
import { boxOf, fileOf, labSite, realSite, topology } from './sites.js';
import { filesOf } from '../../provision/files/files.js';
import { drivenUnits } from '../../provision/services/derived/units.js';
import { templates } from './sites.js';

const pathsOf = (site: typeof labSite | typeof realSite) =>
  topology.boxes.flatMap((box) => filesOf(site, box, templates).map(({ path }) => path));

describe('what differs between the lab and real boxes are facts of the site', () => {
  test('the facts', () => {
    expect(labSite).toMatchObject({
      supervisor: 'processes',
      unitFiles: null,
      firewall: null,
      loopback: 'shared',
    });
    expect(realSite).toMatchObject({
      supervisor: 'systemd',
      unitFiles: '/etc/systemd/system',
      firewall: '/etc/nftables.conf',
      loopback: 'own',
    });
  });

  test('unitFiles: units lie there, and nowhere without it', () => {
    const units = (site: typeof labSite | typeof realSite) =>
      pathsOf(site).filter((path) => /\.service(\.d\/|$)/.test(path));
    expect(units(labSite)).toEqual([]);
    expect(new Set(units(realSite).map((path) => path.slice(0, '/etc/systemd/system/'.length)))).toEqual(
      new Set(['/etc/systemd/system/']),
    );
  });

  test('firewall: one rule file a box, and none without it', () => {
    const rules = (site: typeof labSite | typeof realSite) =>
      pathsOf(site).filter((path) => path.endsWith('nftables.conf'));
    expect(rules(labSite)).toEqual([]);
    expect(rules(realSite)).toHaveLength(topology.boxes.length);
  });

  test('supervisor: what drives the units, and what those are called', () => {
    const nginx1 = boxOf(labSite, 'nginx1');
    expect(drivenUnits(labSite, nginx1)).toEqual([]);
    expect(drivenUnits(realSite, nginx1)).toEqual(['nginx.service', 'todomvc.service']);
    expect(fileOf(labSite, 'nginx1', 'agent.yaml').content).toMatch(/^ {4}unit: nginx@nginx1$/m);
    expect(fileOf(labSite, 'nginx1', 'agent.yaml').content).toMatch(/^supervisor:\n {2}processes: \/lab$/m);
    expect(fileOf(realSite, 'nginx1', 'agent.yaml').content).toMatch(/^ {4}unit: nginx\.service$/m);
    expect(fileOf(realSite, 'nginx1', 'agent.yaml').content).not.toContain('supervisor');
  });

  test('loopback: where it is shared, everything listens on the address of its box, and nothing on port 53', () => {
    const listens = (site: typeof labSite | typeof realSite) => [
      /^listen_addresses = '(.*)'$/m.exec(fileOf(site, 'pg1', '/hotspare.conf').content)?.[1],
      /^ {4}listen (\S+);$/m.exec(fileOf(site, 'nginx1', 'nginx.conf').content)?.[1],
      (JSON.parse(fileOf(site, 'pg1', 'consul.json').content) as { client_addr: string }).client_addr,
    ];
    expect(listens(labSite)).toEqual(['10.1.2.11', '10.1.2.21:8087', '10.1.2.11']);
    expect(listens(realSite)).toEqual(['*', '80', '192.168.11.11 127.0.0.1']);
    const names = (site: typeof labSite | typeof realSite) =>
      programsOn(site, boxOf(site, 'adm1')).map(({ name }) => name);
    expect(names(labSite)).toEqual(['consul', 'agent']);
    expect(names(realSite)).toEqual(['common', 'consul', 'dns', 'agent']);
  });

  test('beyond provision/site, provisioning asks for facts, and not which of the two it is', () => {
    const files = readdirSync('provision', { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.ts') && !file.startsWith('site/'),
    );
    const asking = files.filter((file) =>
      /\.kind === '(lab|boxes)'/.test(readFileSync(join('provision', file), 'utf8')),
    );
    expect(files.length).toBeGreaterThan(20);
    expect(asking).toEqual([]);
  });
});

describe('descriptors', () => {
  test('each has a name, steps and a file of its own, and stands in the registry', () => {
    const names = programs.map(({ name }) => name);
    const steps = programs.flatMap((program) => program.steps);
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(steps).size).toBe(steps.length);
    for (const name of names) expect(readdirSync('provision/services')).toContain(`${name}.ts`);
  });

  test('openings speak only of boxes there can be', () => {
    const known = [
      'all boxes',
      'Consul servers',
      'the DNS box',
      ...serviceNames.map((name) => `${name} boxes`),
    ];
    for (const { what, on, from } of openings) {
      expect([what, known.includes(on)]).toEqual([what, true]);
      for (const source of from)
        expect([what, source, [...known, 'anywhere', 'management'].includes(source)]).toEqual([
          what,
          source,
          true,
        ]);
    }
  });

  test('a step without a script of its own has a unit to keep running', () => {
    const scripts = readdirSync('provision/box');
    for (const { steps, unit, plainStep } of programs) {
      const hasScripts = steps.every((step) => scripts.includes(`${step}.sh`));
      expect([steps, hasScripts]).toEqual([steps, plainStep === undefined]);
      if (plainStep) expect([steps.length, typeof unit]).toEqual([1, 'function']);
    }
  });
});
