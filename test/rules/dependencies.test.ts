import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test('every dependency has its reason in docs/DEPENDENCIES.md, and nothing else stands there', () => {
  const wanted = ['.', 'scripts', 'test/orm'].flatMap((folder) => {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, object>;
    return ['dependencies', 'peerDependencies', 'devDependencies'].flatMap((kind) =>
      Object.keys(manifest[kind] ?? {}),
    );
  });
  const rows = readFileSync('docs/DEPENDENCIES.md', 'utf8').matchAll(/^\| `([^`]+)` \| (.+) \|$/gm);
  const documented = [...rows].map((row) => row[1]);
  expect(documented.sort()).toEqual([...new Set(wanted)].sort());
});

test('the lock file names no host', () => {
  expect(readFileSync('package-lock.json', 'utf8')).not.toMatch(/"resolved": "[^"]*:/);
});
