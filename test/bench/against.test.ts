import { existsSync, readdirSync } from 'node:fs';
import pg from 'pg';
import { expect, test } from 'vitest';
import { libraryAt } from '../../bench/against.js';
import { Pool as TodaysPool } from '../../sidecar/index.js';

const left = () =>
  existsSync('dist') ? readdirSync('dist').filter((name) => name.startsWith('against-')) : [];

test('another commit takes part with its own Pool on the same pg, and leaves nothing behind', async () => {
  const { commit, Pool, remove } = await libraryAt('HEAD');
  try {
    expect(commit).toMatch(/^[0-9a-f]{9}$/);
    expect(Pool).not.toBe(TodaysPool);
    expect(Pool.prototype).toBeInstanceOf(pg.Pool);
  } finally {
    remove();
  }
  expect(left()).toEqual([]);
});

test.each(['no-such-commit', '--help', ''])(
  'a commit that git does not know is a usage error: %j',
  async (reference) => {
    await expect(libraryAt(reference)).rejects.toMatchObject({
      name: 'UserError',
      exitCode: 2,
      message: `--against ${reference}: git knows no such commit here`,
    });
    expect(left()).toEqual([]);
  },
);
