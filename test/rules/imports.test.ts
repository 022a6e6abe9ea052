import { expect, test } from 'vitest';
import { importsOf, sourcesOf } from './checks/sources.js';
import { refusedImports, type Rules } from './checks/imports.js';

/** Files of `common` that do no I/O. */
const pureCommon = /^common\/((agent|text|postgres|failover)\/)?[^/]+$/;

/** The table of docs/ARCHITECTURE.md, "Who may import whom". The first row whose pattern fits a file decides. */
const table: Rules['table'] = [
  { from: /^agent\/core\//, may: [/^agent\/core\//, pureCommon] },
  { from: /^sidecar\/core\//, may: [/^sidecar\/core\//, pureCommon] },
  { from: /^todomvc\/core\//, may: [/^todomvc\/core\//, pureCommon] },
  { from: /^agent\/main\.ts$/, may: [/^agent\//, /^common\//] },
  { from: /^sidecar\/(index|main)\.ts$/, may: [/^sidecar\//, /^common\//] },
  {
    from: /^agent\/shell\//,
    may: [
      /^agent\/shell\//,
      /^agent\/core\//,
      /^agent\/(ports|lease-port|lead-port|config)\.ts$/,
      /^common\//,
    ],
  },
  {
    from: /^agent\/templates\//,
    may: [
      /^agent\/templates\//,
      /^agent\/core\//,
      /^agent\/(ports|lease-port|lead-port|config)\.ts$/,
      /^common\//,
    ],
  },
  {
    from: /^agent\/drivers\//,
    may: [/^agent\/drivers\//, /^agent\/core\/model/, /^agent\/config\//, /^agent\/ports\.ts$/, /^common\//],
  },
  ...['consul', 'http', 'keeper', 'memory', 'peers', 'systemd'].map((room) => ({
    from: new RegExp(`^agent/${room}/`),
    may: [
      new RegExp(`^agent/${room}/`),
      /^agent\/core\/(lead\/)?model/,
      /^agent\/(ports|lease-port|lead-port|config)\.ts$/,
      /^common\//,
    ],
  })),
  {
    from: /^sidecar\/gateway\//,
    may: [
      /^sidecar\/gateway\//,
      /^sidecar\/postgres\/proof/,
      /^sidecar\/core\/model/,
      /^sidecar\/(ports\.ts$|config\/)/,
      /^common\//,
    ],
  },
  ...['dns', 'consul', 'cache'].map((room) => ({
    from: new RegExp(`^sidecar/${room}/`),
    may: [new RegExp(`^sidecar/${room}/`), /^sidecar\/core\/model/, /^sidecar\/ports\.ts$/, /^common\//],
  })),
  {
    from: /^sidecar\/config\//,
    may: [
      /^sidecar\/config\//,
      /^sidecar\/core\/model/,
      /^sidecar\/(ports|options|discovery-options)\.ts$/,
      /^common\//,
    ],
  },
  {
    from: /^sidecar\/shell\//,
    may: [/^sidecar\/shell\//, /^sidecar\/core\//, /^sidecar\/(ports|errors)\.ts$/, /^common\//],
  },
  {
    from: /^sidecar\/postgres\/proof\//,
    may: [
      /^sidecar\/postgres\/proof\//,
      /^sidecar\/core\/(model|history\/position)\.ts$/,
      /^sidecar\/(ports|errors)\.ts$/,
      /^common\//,
    ],
  },
  {
    from: /^sidecar\/postgres\/session\//,
    may: [
      /^sidecar\/postgres\/(session|proof)\//,
      /^sidecar\/core\/(model|mode\/eligible)\.ts$/,
      /^sidecar\/(ports|errors)\.ts$/,
      /^common\//,
    ],
  },
  {
    from: /^sidecar\/postgres\/pool\//,
    may: [
      /^sidecar\/postgres\/(pool|session|proof)\//,
      /^sidecar\/(core|shell|config)\//,
      /^sidecar\/(ports|errors|listeners)\.ts$/,
      /^common\//,
    ],
  },
  {
    from: /^sidecar\/(ports|errors|listeners|several-hosts|discovery-options)\.ts$/,
    may: [/^sidecar\/core\//, /^common\//],
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
  { from: /^status\/(?!(read(-failover)?|why)\.ts$)/, may: [/^status\//, pureCommon] },
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
  handlebars: /^common\/text\/template\.ts$/,
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
const sources = sourcesOf(...rooms);

test('there are files to check', () => {
  expect(sources.length).toBeGreaterThan(30);
  expect(sources.flatMap(({ text }) => importsOf(text)).length).toBeGreaterThan(sources.length);
});

test('every file imports only what its room may', () => {
  expect(sources.flatMap((source) => refusedImports(source, { table, withoutIo, packageRooms }))).toEqual([]);
});

test.each([
  ['sidecar/postgres/proof/a.ts', '../session/b.js', 'sidecar/postgres/session/b.ts'],
  ['sidecar/postgres/session/loss/a.ts', '../../pool/b.js', 'sidecar/postgres/pool/b.ts'],
  ['sidecar/core/a.ts', '../../common/runtime/clock.js', 'common/runtime/clock.ts'],
  ['sidecar/config/a.ts', '../resolver.js', 'sidecar/resolver.ts'],
  ['agent/core/a.ts', '../../sidecar/errors.js', 'sidecar/errors.ts'],
  ['sidecar/shell/a.ts', 'node:fs', 'node:fs: it does its I/O through ports'],
  ['sidecar/dns/a.ts', 'pg', 'the package pg'],
])('refused: %s importing %s', (file, wanted, named) => {
  const source = { file, text: `import type { X } from '${wanted}';\n` };
  expect(refusedImports(source, { table, withoutIo, packageRooms })).toEqual([
    `${file} may not import ${named}`,
  ]);
});

test('a room without a row is refused', () => {
  expect(refusedImports({ file: 'cellar/a.ts', text: '' }, { table, withoutIo, packageRooms })).toEqual([
    'cellar/a.ts is in no row of the table',
  ]);
});
