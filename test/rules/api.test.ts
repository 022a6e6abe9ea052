import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseLimits } from '../../sidecar/config/pool.js';
import { defaultTimings } from '../../sidecar/config/timings.js';
import * as library from '../../sidecar/index.js';

const committed = 'docs/api';
const renew = 'renew it with `npm run docs:api`';
let fresh: string;
let output: string;
let status: number | null;

beforeAll(() => {
  fresh = mkdtempSync(join(tmpdir(), 'hotspare-api-'));
  const typedoc = spawnSync(process.execPath, ['node_modules/typedoc/bin/typedoc', '--out', fresh], {
    encoding: 'utf8',
  });
  ({ status } = typedoc);
  output = typedoc.stdout + typedoc.stderr;
}, 120_000);
afterAll(() => rmSync(fresh, { recursive: true, force: true }));

const pages = (folder: string) =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));

describe('the API reference', () => {
  test('every export has a docstring, and every link in one leads somewhere', () => {
    expect(output).not.toMatch(/\[(warning|error)\]/);
    expect(status, output).toBe(0);
  });

  test('docs/api is what the docstrings give', () => {
    const [found, expected] = [pages(committed), pages(fresh)];
    expect(Object.keys(found), renew).toEqual(Object.keys(expected));
    for (const [name, text] of Object.entries(expected)) expect(found[name], `${name}: ${renew}`).toBe(text);
  });

  test('shows every class, and what a Pool has beside pg', () => {
    const all = Object.values(pages(committed)).join('\n');
    for (const name of Object.keys(library))
      expect(all).toMatch(new RegExp(`^### .*\\b${name}(\\(\\))?$`, 'm'));
    const { 'Pool.md': pool } = pages(committed);
    const own = Object.getOwnPropertyNames(Object.getPrototypeOf(library.Pool.prototype));
    for (const name of own.filter((name) => name !== 'constructor'))
      expect(pool).toMatch(new RegExp(`^##### ${name}(\\(\\))?$`, 'm'));
  });

  test('the defaults of the options are those of the code', () => {
    const { 'Options.md': options } = pages(committed);
    const { writeWaitMs, ackTimeoutMs, maxReplicaLagBytes, warmSpare, readYourWrites, readWaitMs } =
      parseLimits({});
    const real = {
      ...defaultTimings,
      writeWaitMs,
      ackTimeoutMs,
      maxReplicaLagBytes,
      warmSpare,
      readYourWrites,
    };
    for (const [name, value] of Object.entries(real))
      expect(options).toMatch(
        new RegExp(`<a id="property-\\w+"></a> \`${name}\\?\` \\|.*\\| \`${value}\` \\|`),
      );
    expect(options).toContain(`\`waitMs\` (1 to 60000, default ${readWaitMs})`);
  });

  test('names nothing of the machine or the moment it was made on', () => {
    for (const [name, text] of Object.entries(pages(committed)))
      expect(text, name).not.toMatch(new RegExp(`${process.cwd()}|node_modules|RoutedPool|[0-9a-f]{40}`));
  });
});

test('links between the pages of the documentation lead somewhere', () => {
  const about = readdirSync('docs').filter((name) => name.endsWith('.md'));
  const files = [
    'README.md',
    ...about.map((name) => join('docs', name)),
    ...Object.keys(pages(committed)).map((name) => join(committed, name)),
  ];
  const linked = files.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, link]) => link!)
      .filter((link) => !link.includes('://'))
      .map((link) => ({ file, link })),
  );
  expect(linked.length).toBeGreaterThan(100);
  for (const { file, link } of linked) {
    const [path, anchor] = link.split('#') as [string, string | undefined];
    const target = path === '' ? file : join(dirname(file), path);
    expect(existsSync(target), `${file}: ${link}`).toBe(true);
    if (anchor !== undefined) expect(anchorsOf(target), `${file}: ${link}`).toContain(anchor);
  }
});

/** As GitHub makes them from headings, and those that typedoc writes. */
function anchorsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8').replace(/^```[^]*?^```$/gm, '');
  const slugs = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
  const count = new Map<string, number>();
  const numbered = slugs.map((slug) => {
    const n = count.get(slug) ?? 0;
    count.set(slug, n + 1);
    return n === 0 ? slug : `${slug}-${n}`;
  });
  return [...numbered, ...[...text.matchAll(/<a id="([^"]+)">/g)].map(([, id]) => id!)];
}
