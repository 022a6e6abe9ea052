import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test('in a fresh checkout the build says what is missing', () => {
  const checkout = mkdtempSync(join(tmpdir(), 'hotspare-checkout-'));
  try {
    cpSync('scripts', join(checkout, 'scripts'), { recursive: true });
    const { status, stderr } = spawnSync(process.execPath, ['scripts/build.mjs', '--types'], {
      cwd: checkout,
      encoding: 'utf8',
    });
    expect(stderr).toContain('run "npm ci" first');
    expect(stderr).not.toContain('    at ');
    expect(status).toBe(1);
  } finally {
    rmSync(checkout, { recursive: true, force: true });
  }
});
