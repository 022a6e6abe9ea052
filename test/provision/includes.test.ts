import { expect, test } from 'vitest';
import { withIncludes } from '../../provision/postgres/includes.js';

test.each([
  ['none yet', 'a = 1\n', "a = 1\n\ninclude '/one'\ninclude '/two'\n"],
  ['no end of line', 'a = 1', "a = 1\n\ninclude '/one'\ninclude '/two'\n"],
  ['of an earlier version', "a = 1\n\ninclude '/one'\n", "a = 1\n\ninclude '/one'\n\ninclude '/two'\n"],
  ['both are there', "include '/one'\ninclude '/two'\n", "include '/one'\ninclude '/two'\n"],
  [
    'only in a comment',
    "# include '/one'\ninclude '/two'\n",
    "# include '/one'\ninclude '/two'\n\ninclude '/one'\n",
  ],
])('%s', (_, before, after) => {
  expect(withIncludes(before, ['/one', '/two'])).toBe(after);
  expect(withIncludes(after, ['/one', '/two'])).toBe(after);
});
