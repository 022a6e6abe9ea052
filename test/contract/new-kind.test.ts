import { execFile } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePorts } from '../support/ports.js';
import { besides, kind, service, sources, type Edits } from './new-kind/edits.js';

/**
 * What a new kind of service and a new service cost: both are added to a copy of the tree, as a person would, by editing
 * its sources. CONTRIBUTING.md tells of the same files.
 */
const atMost = 7;
const rooms = [
  'agent',
  'common',
  'keeper',
  'lab',
  'provision',
  'status',
  'vagrant',
  'docs',
  'test/contract/new-kind',
];
const copy = mkdtempSync(join(tmpdir(), 'hotspare-new-kind-'));
afterAll(() => rmSync(copy, { recursive: true, force: true }));

const run = promisify(execFile);
const inCopy = (program: string, ...args: string[]) =>
  run(process.execPath, [resolve('node_modules', program), ...args], { cwd: copy, timeout: 240_000 });

function apply({ added, inserted }: Edits): void {
  for (const [file, text] of Object.entries(added)) {
    mkdirSync(join(copy, dirname(file)), { recursive: true });
    writeFileSync(join(copy, file), text, { flag: 'wx' });
  }
  for (const [file, edits] of Object.entries(inserted)) {
    const lines = readFileSync(join(copy, file), 'utf8').split('\n');
    for (const [after, line] of edits) {
      const places = lines.flatMap((one, index) => (one === after ? [index] : []));
      expect([file, after, places.length]).toEqual([file, after, 1]);
      lines.splice(places[0]! + 1, 0, line);
    }
    writeFileSync(join(copy, file), lines.join('\n'));
  }
}

const filesUnder = (root: string) =>
  rooms.flatMap((room) =>
    readdirSync(join(root, room), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1)),
  );

/** Neither tests, nor docs, nor templates, nor the topology. */
const counts = (file: string) =>
  !/^(test|docs)\/|^provision\/templates\/|^vagrant\/topology\.json$/.test(file);

interface Outcome {
  services: string[];
  firewall: object[];
  openOnPg1: object[];
  driven: string[];
  acl: string;
  files: { path: string; content: string }[];
  steps: string;
  accounts: string;
  plainSteps: string;
  configured: object;
  probes: { kind: string }[];
  texts: string[];
}

describe('a new kind of service, and a service of it', () => {
  beforeAll(() => {
    for (const room of rooms) cpSync(room, join(copy, room), { recursive: true });
    for (const file of ['package.json', 'tsconfig.json']) cpSync(file, join(copy, file));
    symlinkSync(resolve('node_modules'), join(copy, 'node_modules'));
    apply(sources);
    apply(besides);
    const topology = join(copy, 'vagrant/topology.json');
    const text = readFileSync(topology, 'utf8');
    writeFileSync(topology, text.replace('"services": []', `"services": ["${service}"]`));
  });

  const touched = () =>
    filesUnder(copy)
      .filter((file) => {
        try {
          return readFileSync(file, 'utf8') !== readFileSync(join(copy, file), 'utf8');
        } catch {
          return true;
        }
      })
      .filter(counts)
      .sort();

  test(`they touch at most ${atMost} source files`, () => {
    expect(touched()).toEqual([...Object.keys(sources.added), ...Object.keys(sources.inserted)].sort());
    expect(touched().length).toBeLessThanOrEqual(atMost);
  });

  test('CONTRIBUTING.md names these files, and no others', () => {
    const page = readFileSync('CONTRIBUTING.md', 'utf8');
    const section = /^## Add a service kind\n([^]*?)^## /m.exec(page)![1]!;
    const named = [...section.matchAll(/^\d+\. `([^`]+)`/gm)].map(([, file]) =>
      file!.replaceAll('KIND', kind).replaceAll('NAME', service),
    );
    expect(named.sort()).toEqual(touched());
  });

  test('it type-checks', async () => {
    const settings = {
      extends: './tsconfig.json',
      include: ['agent', 'provision', 'lab', 'test/contract/new-kind'],
    };
    writeFileSync(join(copy, 'tsconfig.check.json'), JSON.stringify(settings));
    const { stdout } = await inCopy('typescript/bin/tsc', '-p', 'tsconfig.check.json', '--noEmit').catch(
      (error: { stdout: string }) => error,
    );
    expect(stdout).toBe('');
  }, 250_000);

  test('the rest follows: topology, files, firewall, unit, rights, steps, process; and the agent probes it', async () => {
    const [port] = await freePorts(1, '127.0.11.5');
    const offset = port! - 7007;
    const { stdout } = await inCopy(
      'tsx/dist/cli.mjs',
      'test/contract/new-kind/check.ts',
      join(copy, 'lab-folder'),
      String(offset),
    );
    const found = JSON.parse(stdout) as Outcome;
    expect(found.services).toEqual([service]);
    expect(found.firewall).toEqual([
      {
        what: 'echo',
        port: 7007,
        protocol: 'tcp',
        from: ['11', '12', '21', '22'].map((host) => `192.168.11.${host}`),
      },
    ]);
    expect(found.openOnPg1).toEqual([]);
    expect(found.driven.sort()).toEqual(['dnsmasq.service', 'echo.service']);
    expect(found.acl).toContain('service "echo" { policy = "write" }');
    expect(found.files.map(({ path }) => path)).toEqual(['/etc/systemd/system/echo.service']);
    expect(found.files[0]!.content).toContain('TCP-LISTEN:7007,');
    expect(found.steps).toBe('common node hotspare consul dns agent echo');
    expect(found.accounts.split(' ')).toContain('echo');
    expect(found.plainSteps.split('\n')).toContain('echo\techo.service\trestart\ttheirs\tsocat');
    expect(found.configured).toEqual({
      name: service,
      kind,
      port,
      probe: { word: 'hello', intervalMs: 500, timeoutMs: 300 },
    });
    expect(found.probes.map((probe) => probe.kind)).toEqual(['critical', 'passing', 'critical']);
    expect(found.texts).toEqual(Array(2).fill('connection refused: nothing listens there'));
  }, 250_000);
});
