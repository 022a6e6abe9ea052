import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { problems } from '../../todomvc/core/problem.js';
import { titleLimit } from '../../todomvc/core/todo.js';
import { defaultBodyLimits } from '../../todomvc/http/body.js';

const read = (path: string) => readFileSync(new URL(`../../todomvc/${path}`, import.meta.url), 'utf8');
const readme = read('README.md');

describe('todomvc/README.md says what the code does', () => {
  it('the problems and their status', () => {
    const rows = [...readme.matchAll(/^\| `([a-z-]+)` \| (\d{3}) \|/gm)].map(([, name, status]) => [
      name,
      Number(status),
    ]);
    expect(rows).toEqual(Object.entries(problems).map(([name, { status }]) => [name, status]));
  });

  it('the limits', () => {
    expect(readme).toContain(`1 to ${titleLimit} characters`);
    expect(readme).toContain(`more than ${defaultBodyLimits.bodyBytes / 1024} KiB`);
    expect(readme).toContain(`longer than ${defaultBodyLimits.bodyDeadlineMs / 1000} s`);
    for (const field of ['new-todo', 'edit'])
      expect(read('public/index.html') + read('public/item.js')).toMatch(
        new RegExp(`class="${field}"[^>]*maxlength="${titleLimit}"`),
      );
  });

  it('the settings', () => {
    const known = [...read('config.ts').matchAll(/'([A-Z]+(?:_[A-Z]+)*)'/g)].map(
      ([, name]) => name as string,
    );
    for (const name of new Set(known)) expect(readme).toContain(`\`${name}\``);
  });
});
