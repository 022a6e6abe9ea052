import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseLimits } from '../../sidecar/config/pool.js';
import { defaultTimings } from '../../sidecar/config/timings.js';

/** docs/PROMISES.md: each promise names a test that shows it, and the numbers are those of the code. */
const page = readFileSync('docs/PROMISES.md', 'utf8');
const sections = [...page.matchAll(/^## (.+)\n([^]*?)(?=^## |(?![^]))/gm)].map(([, title, text]) => ({
  title: title!,
  text: text!,
}));
const without = ['Times', 'Not promised'];

const shownByMark = '<details><summary>Shown by</summary>\n';

/** Files and test names under `Shown by`. */
function shownBy(text: string): { file: string; names: string[] }[] {
  const [, list = ''] = text.split(shownByMark);
  return [...list.matchAll(/^- `(.+)`\n((?: {2}- .+\n)+)/gm)].map(([, file, names]) => ({
    file: file!,
    names: [...names!.matchAll(/^ {2}- (.+)$/gm)].map(([, name]) => name!),
  }));
}

describe('promises', () => {
  test('all but the times and what is not promised are shown by tests', () => {
    expect(sections.length).toBeGreaterThan(10);
    const bare = sections.filter(({ text }) => shownBy(text).length === 0).map(({ title }) => title);
    expect(bare).toEqual(without);
    for (const { title, text } of sections) {
      const entries = (text.split(shownByMark)[1] ?? '').match(/^ *- /gm)?.length ?? 0;
      const read = shownBy(text).reduce((sum, { names }) => sum + 1 + names.length, 0);
      expect([title, read]).toEqual([title, entries]);
    }
  });

  const named = sections.flatMap(({ title, text }) =>
    shownBy(text).flatMap(({ file, names }) => names.map((name) => [title, file, name] as const)),
  );
  test.each(named)('%s: %s: %s', (_, file, name) => {
    expect(existsSync(file), file).toBe(true);
    const text = readFileSync(file, 'utf8').replaceAll("\\'", "'");
    // As a name: in quotes, or (of rows and templates) as the end of one.
    expect(text.includes(`${name}'`) || text.includes(`${name}"`) || text.includes(`${name}\``), name).toBe(
      true,
    );
  });

  test('defaults of the times are those of the code', () => {
    const { readWaitMs, writeWaitMs, ackTimeoutMs } = parseLimits({});
    const real: Record<string, number> = {
      ...defaultTimings,
      'readYourWrites.waitMs': readWaitMs,
      writeWaitMs,
      ackTimeoutMs,
    };
    const rows = [...page.matchAll(/^\| \*\*(\w)\*\* \| `([\w.]+)`.*\| (\d+) ms \|$/gm)];
    expect(rows.map(([, letter]) => letter).join('')).toBe('HTRCWAFD');
    for (const [, , option, ms] of rows) expect([option, Number(ms)]).toEqual([option, real[option!]]);
  });

  test('times worked out in the text are right', () => {
    const {
      heartbeatIntervalMs: H,
      heartbeatTimeoutMs: T,
      reconnectMs: R,
      connectDeadlineMs: C,
    } = defaultTimings;
    const F = parseLimits({}).readWaitMs;
    const D = defaultTimings.dnsTimeoutMs;
    const seconds = (ms: number) => `${Number((ms / 1_000).toFixed(ms < 1_000 && ms % 100 ? 2 : 1))} s`;
    for (const text of [
      `H + T (${seconds(H + T)})`,
      `H (${seconds(H)})`,
      `5 R (${seconds(5 * R)})`,
      `C (${seconds(C)})`,
      `F (${seconds(F)})`,
      `H + T + F (${seconds(H + T + F)})`,
      `F + C (${seconds(F + C)})`,
      `T (${seconds(T)})`,
      `D (${seconds(D)})`,
      `R (${seconds(R)})`,
    ])
      expect(page).toContain(text);
    expect(page).toContain(`R (${R / 2} to ${R} ms)`);
    expect(page).toContain(`T/3 (${(T / 3_000).toFixed(1)} s)`);
  });
});
