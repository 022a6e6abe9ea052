import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { payloadOf } from '../../../provision/box/payload.js';
import { nodeMinimum } from '../../../provision/site/programs.js';
import { writePayload, type PayloadInput } from '../../../vagrant/prepare/payload.js';
import { boxOf, realSite, templates } from '../../provision/sites.js';

let root = '';
let folder = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hotspare-payload-'));
  folder = join(root, 'payload');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const payload = payloadOf(realSite, boxOf(realSite, 'pg1'), templates);
const input: PayloadInput = {
  box: 'pg1',
  payload,
  scripts: 'provision/box',
  package: { digest: '0123456789abcdef', file: '/packages/hotspare.tgz' },
  node: undefined,
  dump: undefined,
};

async function write(change: Partial<PayloadInput> = {}) {
  await writePayload(folder, { ...input, ...change });
  return JSON.parse(readFileSync(join(folder, 'pg1.json'), 'utf8')) as Record<string, string | null>;
}

function unpacked(): string {
  const box = join(root, 'box');
  rmSync(box, { recursive: true, force: true });
  mkdirSync(box);
  execFileSync('tar', ['-xzf', join(folder, 'pg1.tar.gz'), '-C', box, '--no-same-owner']);
  return box;
}

test('the archive: scripts, variables, manifest, files; beside it what belongs to it', async () => {
  const description = await write();
  expect(description).toEqual({
    digest: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
    release: '/opt/hotspare-releases/0123456789abcdef',
    archive: join(folder, 'pg1.tar.gz'),
    package: '/packages/hotspare.tgz',
    node: null,
    nodeProgram: '/opt/hotspare-node/bin/node',
    nodeMinimum,
  });
  const box = unpacked();
  const scripts = readdirSync('provision/box').filter((name) => name.endsWith('.sh'));
  expect(readdirSync(box).sort()).toEqual(
    [...scripts, 'box.env', 'files', 'manifest', 'plain-steps', 'staged'].sort(),
  );
  const variables = readFileSync(join(box, 'box.env'), 'utf8');
  expect(variables).toContain(payload.environment);
  expect(variables).toContain(`HOTSPARE_DIGEST='0123456789abcdef'\nNODE_MINIMUM='${nodeMinimum}'\n`);
  expect(readFileSync(join(box, 'manifest'), 'utf8')).toBe(payload.manifest);
  for (const { path, content } of payload.files) {
    expect(readFileSync(join(box, 'files', path), 'utf8')).toBe(content);
    expect(statSync(join(box, 'files', path)).mode & 0o777).toBe(0o600);
  }
  expect(readdirSync(join(box, 'staged'))).toEqual(['roles.sql']);
});

test('nobody else may look in, and nothing half is left', async () => {
  mkdirSync(join(folder, 'pg1.new/files/old'), { recursive: true });
  await write();
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(readdirSync(folder).sort()).toEqual(['pg1.json', 'pg1.tar.gz']);
  expect(readdirSync(join(unpacked(), 'files'))).not.toContain('old');
});

test('the digest stands for what changes a box that is there', async () => {
  const scripts = join(root, 'scripts');
  mkdirSync(scripts);
  writeFileSync(join(scripts, 'provision.sh'), 'one');
  const before = (await write({ scripts }))['digest'];
  expect((await write({ scripts }))['digest']).toBe(before);
  const [first, ...others] = payload.files;
  if (!first) throw new Error('pg1 has no files');
  const files = [{ ...first, content: `${first.content}#` }, ...others];
  expect((await write({ scripts, payload: { ...payload, files } }))['digest']).not.toBe(before);
  expect((await write({ scripts, package: { ...input.package, digest: 'f' } }))['digest']).not.toBe(before);
  writeFileSync(join(scripts, 'provision.sh'), 'two');
  expect((await write({ scripts }))['digest']).not.toBe(before);
});

test('a dump goes along with its name, and is no reason to provision a box again', async () => {
  const before = (await write())['digest'];
  const dump = { name: 'todo-10.1.2-20260101T000000Z.dump', file: join(root, 'some.dump') };
  writeFileSync(dump.file, 'PGDMP');
  expect((await write({ dump }))['digest']).toBe(before);
  const box = unpacked();
  expect(readFileSync(join(box, 'staged/restore.dump'), 'utf8')).toBe('PGDMP');
  expect(readFileSync(join(box, 'box.env'), 'utf8')).toContain(`RESTORE_NAME='${dump.name}'\n`);
});
