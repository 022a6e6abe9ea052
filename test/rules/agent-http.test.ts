import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { refusals } from '../../common/agent/control.js';
import { route } from '../../agent/http/route.js';
import { routes } from '../../agent/http/routes.js';

/** docs/AGENT.md, "HTTP", and the table that the server dispatches from. */
const page = readFileSync('docs/AGENT.md', 'utf8');
const section = /\n## HTTP\n([^]*?)\n## /.exec(page)![1]!;
const rows = section
  .split('\n')
  .filter((line) => line.startsWith('|') && !/^\|[-|]+$/.test(line))
  .map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
const quoted = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, inside]) => inside!);
const requests = rows.filter(([first]) => /^`[A-Z]+ \//.test(first!));
const reasons = rows.filter(([first]) => /^\d+$/.test(first!));

describe('the documented requests', () => {
  test('are those of the table, with their secret and their refusals', () => {
    const stated = requests.flatMap(([asked, secret, , refused]) =>
      quoted(asked!).map((request) => ({
        request,
        secret: secret === 'yes',
        refusals: quoted(refused!),
      })),
    );
    const real = routes.flatMap(({ methods, path, needsSecret, refusals }) =>
      methods.map((method) => ({ request: `${method} ${path}`, secret: needsSecret, refusals })),
    );
    expect(stated).toEqual(real);
    expect(section).toContain(`answered with ${[...new Set(routes.map(({ status }) => status))].join()}.`);
  });

  test('and the refusals have the status that they are given with', () => {
    const stated = reasons.flatMap(([status, codes]) =>
      quoted(codes!).map((code): [string, number] => [code, Number(status)]),
    );
    expect(Object.fromEntries(stated)).toEqual(refusals);
    expect(stated).toHaveLength(Object.keys(refusals).length);
  });
});

/** Given while it is carried out, by the server. */
const whileDoing = ['too-long', 'failed', 'late', 'bad-body', 'unsafe', 'conflict', 'unavailable'];

test.each(routes)('$path: what it is refused with is what stands in its row', (row) => {
  const path = (service: string) => row.path.replace('NAME', service);
  const slots = new Map([
    ['free', { kind: 'free' } as const],
    ['lone', { kind: 'no-unit' } as const],
    ['taken', { kind: 'busy', action: 'stop' } as const],
    ['led', { kind: 'free' } as const],
  ]);
  const codes = ['DELETE', ...row.methods].flatMap((method) =>
    (['unconfigured', 'missing', 'wrong', 'right'] as const).flatMap((authorisation) =>
      ['absent', 'lone', 'taken', 'free', 'led'].flatMap((service) => {
        const decided = route({ method, path: path(service), authorisation }, slots, new Set(['led']));
        return decided.kind === 'refuse' ? [decided.refusal.code] : [];
      }),
    ),
  );
  expect([...new Set(codes)]).toEqual(row.refusals.filter((code) => !whileDoing.includes(code)));
});

test('no refusal stands nowhere', () => {
  const given = new Set(['no-such-path', ...routes.flatMap((row) => row.refusals)]);
  expect([...given].sort()).toEqual(Object.keys(refusals).sort());
});
