import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { payloadOf, shellVariables, stepsOf, variablesOf } from '../../provision/box/payload.js';
import { boxOf, realSite as site, templates, topology } from './sites.js';

const payload = (name: string) => payloadOf(site, boxOf(site, name), templates);

test.each([...topology.boxes])('$name: every file has its line, every line its file', (box) => {
  const { manifest, files } = payload(box.name);
  const lines = manifest.trimEnd().split('\n');
  expect(lines.map((line) => line.split('\t')[4])).toEqual(files.map(({ path }) => path));
  for (const line of lines) expect(line).toMatch(/^[a-z]+\t0[0-7]{3}\t[a-z-]+\t[a-z-]+\t\/\S+(\tinitial)?$/);
  // A concern nobody runs would never be installed.
  const steps: string[] = stepsOf(site, box);
  for (const line of lines) expect(steps).toContain(line.split('\t')[0]);
});

test('the manifest of a balancer', () => {
  const lines = payload('nginx1').manifest.split('\n');
  expect(lines).toContain('nginx\t0600\troot\troot\t/etc/nginx/tls/key.pem');
  expect(lines).toContain('nginx\t0644\thotspare\thotspare\t/var/lib/hotspare/nginx/upstreams.conf\tinitial');
  expect(lines).toContain('consul\t0600\tconsul\tconsul\t/etc/hotspare/consul.json');
});

test('roles are made with what is not installed; only where there is a database', () => {
  expect(payload('pg2').staged.map(({ name }) => name)).toEqual(['roles.sql']);
  expect(payload('adm1').staged).toEqual([]);
});

test('what is done, in order', () => {
  const steps = Object.fromEntries(topology.boxes.map((box) => [box.name, stepsOf(site, box).join(' ')]));
  expect(steps).toMatchObject({
    adm1: 'common node hotspare consul dns agent',
    pg1: 'common node hotspare consul keeper postgres agent',
    nginx2: 'common node hotspare consul nginx agent todomvc',
  });
});

test('a step without a script of its own says what service.sh does for it', () => {
  const scripts = readdirSync('provision/box');
  for (const box of topology.boxes) {
    const plain = payload(box.name).plainSteps.trimEnd().split('\n');
    const names = plain.map((line) => line.split('\t')[0]);
    expect(names).toEqual(stepsOf(site, box).filter((step) => !scripts.includes(`${step}.sh`)));
  }
  expect(payload('nginx1').plainSteps).toBe(
    'agent\thotspare-agent.service\trestart\tours\t\ntodomvc\ttodomvc.service\trestart\tours\t\n',
  );
});

test('a shell reads the variables of the box', () => {
  const script = `${payload('pg2').environment}printf '%s|' "$BOX" "$IS_FIRST_PRIMARY" "$PRIMARY" "$PRIMARY_ADDRESS" "$SLOT" "$PG_OTHERS"`;
  expect(execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' })).toBe(
    'pg2|false|pg1|192.168.11.11|pg2|pg1=192.168.11.11|',
  );
  expect(payload('pg1').environment).toContain("IS_FIRST_PRIMARY='true'\n");
});

test('the scripts read every variable there is', () => {
  const scripts = readdirSync('provision/box')
    .filter((name) => name.endsWith('.sh'))
    .map((name) => readFileSync(join('provision/box', name), 'utf8'))
    .join('');
  for (const name of Object.keys(variablesOf(site, boxOf(site, 'pg1'))))
    expect(scripts).toMatch(new RegExp(`\\$\\{?${name}\\b`));
});

test('no value can end its quotes', () => {
  const nasty = `a'b"c $HOME \`id\` \\`;
  const script = `${shellVariables({ X: nasty })}printf %s "$X"`;
  expect(execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' })).toBe(nasty);
});
