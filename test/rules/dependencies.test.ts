import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

test('every dependency has its reason in docs/DEPENDENCIES.md, and nothing else stands there', () => {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, Record<string, string>>;
  const wanted = Object.keys({
    ...manifest['dependencies'],
    ...manifest['peerDependencies'],
    ...manifest['devDependencies'],
  });
  const rows = readFileSync('docs/DEPENDENCIES.md', 'utf8').matchAll(/^\| `([^`]+)` \| (.+) \|$/gm);
  const documented = [...rows].map((row) => row[1]);
  expect(documented.sort()).toEqual([...new Set(wanted)].sort());
});

test('the lock file names no host', () => {
  expect(readFileSync('package-lock.json', 'utf8')).not.toMatch(/"resolved"/);
});
