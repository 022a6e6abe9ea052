import { expect, test } from 'vitest';
import { ghosts } from '../../../agent/core/ghosts.js';
import { entry } from '../builders.js';

test('only what this box registered and no longer has is a ghost', () => {
  const entries = [
    entry({ id: 'pg@pg1' }),
    entry({ id: 'redis@pg1', name: 'redis' }),
    entry({ id: 'by-hand', meta: {} }),
    entry({ id: 'pg@pg2', meta: { 'hotspare-box': 'pg2' } }),
  ];
  expect(ghosts(entries, 'pg1', new Set(['pg@pg1']))).toEqual([{ kind: 'deregister', id: 'redis@pg1' }]);
});
