import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { builtinModules } from 'node:module';
import { expect, test } from 'vitest';

/** Files of `common` that do no I/O. */
const pureCommon = /^common\/(postgres\/)?[^/]+$/;

/** The table of docs/ARCHITECTURE.md, "Who may import whom". The first row whose pattern fits a file decides. */
const table: readonly { from: RegExp; may: readonly RegExp[] }[] = [
  { from: /^agent\/core\//, may: [/^agent\/core\//, pureCommon] },
  { from: /^sidecar\/core\//, may: [/^sidecar\/core\//, pureCommon] },
  { from: /^todomvc\/core\//, may: [/^todomvc\/core\//, pureCommon] },
  { from: /^agent\/main\.ts$/, may: [/^agent\//, /^common\//] },
  { from: /^sidecar\/(index|main)\.ts$/, may: [/^sidecar\//, /^common\//] },
  {
    from: /^agent\/shell\//,
    may: [/^agent\/shell\//, /^agent\/core\//, /^agent\/(ports|lease-port|config)\.ts$/, /^common\//],
  },
  {
    from: /^agent\/templates\//,
    may: [/^agent\/templates\//, /^agent\/core\//, /^agent\/(ports|lease-port|config)\.ts$/, /^common\//],
  },
  ...['consul', 'drivers', 'http', 'memory', 'systemd'].map((room) => ({
    from: new RegExp(`^agent/${room}/`),
    may: [
      new RegExp(`^agent/${room}/`),
      /^agent\/core\/model/,
      /^agent\/(ports|lease-port|config)\.ts$/,
      /^common\//,
    ],
  })),
  {
    from: /^sidecar\/gateway\//,
    may: [
      /^sidecar\/gateway\//,
      /^sidecar\/postgres\/proof/,
      /^sidecar\/core\/model/,
      /^sidecar\/(ports|config)\.ts$/,
      /^common\//,
    ],
  },
  ...['dns', 'consul', 'cache'].map((room) => ({
    from: new RegExp(`^sidecar/${room}/`),
    may: [
      new RegExp(`^sidecar/${room}/`),
      /^sidecar\/core\/model/,
      /^sidecar\/(ports|config)\.ts$/,
      /^common\//,
    ],
  })),
  {
    from: /^sidecar\/shell\//,
    may: [/^sidecar\/shell\//, /^sidecar\/core\//, /^sidecar\/(ports|errors)\.ts$/, /^common\//],
  },
  {
    from: /^sidecar\/postgres\/proof\//,
    may: [
      /^sidecar\/postgres\/proof\//,
      /^sidecar\/core\/(model|position)/,
      /^sidecar\/(ports|errors)\.ts$/,
      /^common\//,
    ],
  },
  {
    from: /^sidecar\/postgres\/session\//,
    may: [
      /^sidecar\/postgres\/(session|proof)\//,
      /^sidecar\/core\/(model|eligible)/,
      /^sidecar\/(ports|errors)\.ts$/,
      /^common\//,
    ],
  },
  {
    from: /^sidecar\/postgres\/pool\//,
    may: [
      /^sidecar\/postgres\/(pool|session|proof)\//,
      /^sidecar\/(core|shell)\//,
      /^sidecar\/(ports|config|errors|listeners)\.ts$/,
      /^common\//,
    ],
  },
  { from: /^sidecar\/[^/]+\.ts$/, may: [/^sidecar\//, /^common\//] },
  { from: /^agent\//, may: [/^agent\//, /^common\//] },
  { from: /^keeper\//, may: [/^keeper\//, /^common\//] },
  { from: /^todomvc\//, may: [/^todomvc\//, /^sidecar\/index\.ts$/, /^common\//] },
  {
    from: /^cli\//,
    may: [
      /^cli\//,
      /(^|\/)main\.ts$/,
      /(^|\/)config\.ts$/,
      /^common\//,
      /^(lab|setup|vagrant|status)\/index\.ts$/,
    ],
  },
  { from: /^lab\//, may: [/^lab\//, /^provision\//, /^status\/index\.ts$/, /^common\//] },
  { from: /^setup\//, may: [/^setup\//, /^common\//] },
  { from: /^vagrant\//, may: [/^vagrant\//, /^provision\//, /^status\/index\.ts$/, /^common\//] },
  { from: /^provision\//, may: [/^provision\//, /^status\/index\.ts$/, /^common\//] },
  { from: /^status\/(?!read\.ts$)/, may: [/^status\//, pureCommon] },
  { from: /^status\//, may: [/^status\//, /^common\//] },
  { from: /^common\/postgres\//, may: [pureCommon] },
  { from: /^common\/runtime\//, may: [/^common\//] },
  { from: /^common\//, may: [/^common\//] },
  { from: /^bench\//, may: [/./] },
];

/** Files and sockets are behind ports here, so these import no module of Node's. */
const withoutIo = /^([a-z]+\/core|agent\/shell|sidecar\/shell|common\/postgres)\//;

const packageRooms: Readonly<Record<string, RegExp>> = {
  consul: /^agent\/consul\//,
  dns2: /^sidecar\/dns\//,
  pg: /^(agent\/drivers\/postgres\/|keeper\/postgres\/|sidecar\/postgres\/|todomvc\/|bench\/)/,
  pino: /^common\/runtime\//,
  'node-pg-migrate': /^todomvc\//,
  esbuild: /^bench\/against\.ts$/,
  commander: /^cli\//,
  handlebars: /^common\/template\.ts$/,
  yaml: /^(agent|keeper|sidecar)\/config|^common\//,
  'todomvc-app-css': /^todomvc\//,
};

const rooms = [
  'agent',
  'keeper',
  'sidecar',
  'common',
  'cli',
  'status',
  'todomvc',
  'lab',
  'setup',
  'provision',
  'vagrant',
  'bench',
];
const files = rooms.flatMap((room) =>
  readdirSync(room, { recursive: true, encoding: 'utf8' })
    .map((file) => join(room, file))
    .filter((file) => file.endsWith('.ts')),
);

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  return [
    ...text.matchAll(
      /^(?:import|export)\s[^;]*?from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gm,
    ),
  ].map((match) => (match[1] ?? match[2] ?? match[3]) as string);
}

function refusals(file: string): string[] {
  const row = table.find(({ from }) => from.test(file));
  if (!row) return [`${file} is in no row of the table`];
  return importsOf(file).flatMap((wanted) => {
    if (wanted.startsWith('.')) {
      const target = normalize(join(dirname(file), wanted)).replace(/\.js$/, '.ts');
      return row.may.some((allowed) => allowed.test(target)) ? [] : [`${file} may not import ${target}`];
    }
    if (wanted.startsWith('node:') || builtinModules.includes(wanted))
      return withoutIo.test(file) ? [`${file} may not import ${wanted}: it does its I/O through ports`] : [];
    const name = wanted
      .split('/')
      .slice(0, wanted.startsWith('@') ? 2 : 1)
      .join('/');
    const room = packageRooms[name];
    return room?.test(file) ? [] : [`${file} may not import the package ${name}`];
  });
}

test('there are files to check', () => {
  expect(files.length).toBeGreaterThan(30);
  expect(files.flatMap(importsOf).length).toBeGreaterThan(files.length);
});

test('every file imports only what its room may', () => {
  expect(files.flatMap(refusals)).toEqual([]);
});
