import { createRequire } from 'node:module';
import pg from 'pg';
import { expect, test } from 'vitest';
import { copiesIn, warning } from '../../../../../sidecar/postgres/pool/warnings/pg-copies.js';

class Own {}
class Other {}
const module = (Client: unknown) => ({ exports: { Client } });

test.each([
  ['one copy', { '/a/node_modules/pg/lib/index.js': module(Own) }, null],
  ['none that we know: bundled', { '/a/node_modules/pg/lib/index.js': module(Other) }, null],
  [
    'two',
    {
      '/a/node_modules/pg/lib/index.js': module(Other),
      '/a/node_modules/hotspare/node_modules/pg/lib/index.js': module(Own),
    },
    { own: '/a/node_modules/hotspare/node_modules/pg', others: ['/a/node_modules/pg'] },
  ],
  [
    "other packages, pg's other files, and something that is not pg at all",
    {
      '/a/node_modules/pg/lib/index.js': module(Own),
      '/a/node_modules/pg/lib/client.js': module(Other),
      '/a/node_modules/my-pg/lib/index.js': module(Other),
      '/a/packages/pg/lib/index.js': { exports: 'nothing' },
    },
    null,
  ],
  [
    'on Windows',
    {
      'C:\\a\\node_modules\\pg\\lib\\index.js': module(Own),
      'C:\\b\\node_modules\\pg\\lib\\index.js': module(Other),
    },
    expect.anything(),
  ],
])('%s', (_name, loaded, expected) => {
  expect(copiesIn(loaded, Own)).toEqual(expected);
});

test('the real pg is where it looks', () => {
  const require = createRequire(import.meta.url);
  const file = require.resolve('pg');
  const loaded = { ...require.cache, '/elsewhere/pg/lib/index.js': module(Other) };
  expect(Object.keys(loaded)).toContain(file);
  expect(copiesIn(loaded as never, pg.Client)?.others).toEqual(['/elsewhere/pg']);
});

test('the warning names the folders, the versions and the mend', () => {
  const text = warning({ own: '/x/pg', others: ['/y/pg', '/z/pg'] }, (folder) => `8 of ${folder}`);
  expect(text).toContain('hotspare uses /x/pg (8 of /x/pg)');
  expect(text).toContain('/y/pg (8 of /y/pg) and /z/pg (8 of /z/pg)');
  expect(text).toContain('npm dedupe');
  expect(text).toContain('overrides');
});
