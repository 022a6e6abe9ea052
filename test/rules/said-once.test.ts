import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  lxcImage,
  nodeMinimum,
  postgresDataFolder,
  postgresMajor,
  postgresSettingsFolder,
  virtualboxImage,
} from '../../provision/site/programs.js';

/** What has one place. A second one is a fault: use the first. */
const once: readonly { what: string; words: RegExp; place: RegExp }[] = [
  {
    what: 'a function that tells a position or the system',
    words:
      /\bpg_(current_wal_(\w+_)?lsn|last_wal_\w+_lsn|walfile_name)\(|FROM (pg_catalog\.)?pg_control_system/,
    place: /^common\/postgres\//,
  },
  {
    what: 'how a position or a timeline is read or written',
    words: /(timeline|lsn)\b[^;\n]*(, 16\)|toString\(16\)\.to)|0x\$\{(high|low|match)/i,
    place: /^common\/postgres\//,
  },
  {
    what: 'how a file is replaced',
    words: /\brename(Sync)?\(/,
    place: /^common\/runtime\/files\/(replace-file|replace-together|durable)\.ts$/,
  },
  {
    what: 'what an error of the network tells',
    words: /\b(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN|EAI_AGAIN|EMFILE|ENFILE)\b/,
    place: /^common\/network-error\.ts$/,
  },
  {
    what: 'what keeps a program from listening',
    words: /\b(EADDRINUSE|EADDRNOTAVAIL)\b/,
    place: /^common\/network-error\.ts$/,
  },
];

const { include } = JSON.parse(readFileSync('tsconfig.json', 'utf8')) as { include: string[] };
const files = include
  .filter((room) => !room.includes('.') && room !== 'test')
  .flatMap((room) => readdirSync(room, { recursive: true, encoding: 'utf8' }).map((file) => join(room, file)))
  .filter((file) => file.endsWith('.ts'));

/** Without comments, and without the names of functions that a sentence tells an app to have a right to. */
const codeOf = (file: string): string =>
  readFileSync(file, 'utf8')
    .replace(/^\s*(\/?\*|\/\/).*$/gm, '')
    .replace(/EXECUTE (on )?\w+(\(\))?/gi, '');

/** Where else it stands, and why it may. */
const elsewhere: Readonly<Record<string, string>> = {
  'keeper/postgres/source.ts': 'asks for the control file of another member, by psql',
  'common/runtime/processes/notes.ts': 'keeps the note of a process that has ended under another name',
  'lab/steps/postgres.ts': 'gives a whole data directory its name',
};

test.each(once)('$what', ({ words, place }) => {
  const said = files.filter((file) => words.test(codeOf(file)));
  expect(said.filter((file) => place.test(file))).not.toEqual([]);
  expect(said.filter((file) => !place.test(file) && !(file in elsewhere))).toEqual([]);
});

/** What TypeScript, Ruby and shell would have to agree about: a place, from which all of them have it. */
const shared: readonly { what: string; words: RegExp; place: string }[] = [
  {
    what: 'the Postgres of real boxes',
    words: /postgresql[-@/]\d|postgresql-client-\d|postgres_?major\s*[=:]\s*['"]?\d|\bversion=\d+$/im,
    place: 'provision/site/programs.ts',
  },
  {
    what: 'the Node of real boxes',
    words: /node-?_?(version|minimum)['"]?\s*[=:]\s*['"]?\d/i,
    place: 'provision/site/programs.ts',
  },
  {
    what: 'the oldest Node',
    words: /\b20\.19\b/,
    place: 'provision/site/programs.ts',
  },
  {
    what: "where Postgres' data and settings lie on real boxes",
    words: /\/var\/lib\/postgresql\b|\/etc\/postgresql\b(?!-)/,
    place: 'provision/site/programs.ts',
  },
  {
    what: "Vagrant's names of the images",
    words: /debian\/bookworm64|hotspare\/bookworm/,
    place: 'provision/site/programs.ts',
  },
  {
    what: 'the folders of Node and of the releases on real boxes',
    words: /\/opt\/hotspare/,
    place: 'provision/site/programs.ts',
  },
  {
    what: 'what VirtualBox gives a box',
    words: /\b768\b|(?<!lxc)memory_?mb['"]?\s*[:=]\s*\d/i,
    place: 'vagrant/topology.json',
  },
  { what: 'the usual bridge', words: /\bhotspare0\b/, place: 'vagrant/topology.json' },
  { what: 'the usual subnet', words: /\b192\.168\.11\b/, place: 'vagrant/topology.json' },
];

const ofBoxes = ['provision', 'vagrant'].flatMap((room) =>
  readdirSync(room, { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name)),
);

/** Its text is part of the digest of the box it builds, so it has the name itself (test/vagrant/ruby.test.ts). */
const buildsTheImage = 'vagrant/build-lxc-box';

test.each(shared)('$what', ({ what, words, place }) => {
  const said = ofBoxes.filter((file) => words.test(readFileSync(file, 'utf8')));
  const mayRepeat = what.includes('images') ? [buildsTheImage] : [];
  expect(said.filter((file) => !mayRepeat.includes(file))).toEqual([place]);
});

/** Texts that have to say again what has one place, each with what it must hold. */
const repeated: readonly (readonly [file: string, texts: readonly string[]])[] = [
  ['package.json', [`"node": ">=${nodeMinimum}"`, `"@types/node": "^${nodeMinimum}.`]],
  ['README.md', [`Node.js ${nodeMinimum} or newer`]],
  ['docs/BOXES.md', [`Node.js >= ${nodeMinimum}`, `\`${virtualboxImage}\``, `\`${lxcImage}\``]],
  ['docs/LXC.md', [`\`${lxcImage}\``]],
  ['docs/AGENT.md', [`dataDir: ${postgresDataFolder}/${postgresMajor}/main`]],
  ['docs/KEEPER.md', [`dataDir: ${postgresDataFolder}/${postgresMajor}/main`]],
];

test.each(repeated)('%s says the same', (file, texts) => {
  const text = readFileSync(file, 'utf8');
  expect(texts.filter((one) => !text.includes(one))).toEqual([]);
});

test('no other page says another Node, image or Postgres', () => {
  const pages = [
    'README.md',
    'CONTRIBUTING.md',
    ...readdirSync('docs').map((name) => join('docs', name)),
  ].filter((file) => file.endsWith('.md'));
  const text = pages.map((file) => readFileSync(file, 'utf8')).join('\n');
  const said = (pattern: RegExp) => new Set([...text.matchAll(pattern)].map((match) => match[1]));
  expect(said(/Node\.js (?:>= )?(\d+\.\d+)/g)).toEqual(new Set([nodeMinimum]));
  expect(said(/`((?:debian|hotspare)\/bookworm\w*)`/g)).toEqual(new Set([virtualboxImage, lxcImage]));
  expect(said(/(\/var\/lib\/postgresql\/\d+|\/etc\/postgresql\/\d+)/g)).toEqual(
    new Set([`${postgresDataFolder}/${postgresMajor}`, `${postgresSettingsFolder}/${postgresMajor}`]),
  );
});

test.each([
  ['version=15', 'the Postgres of real boxes'],
  ['postgresql-client-15', 'the Postgres of real boxes'],
  ['readonly node_version=22.23.3', 'the Node of real boxes'],
  ['find /opt/hotspare-releases', 'the folders of Node and of the releases on real boxes'],
  ['raise "Node.js 20.19 or newer"', 'the oldest Node'],
  ['data=/var/lib/postgresql/$cluster', "where Postgres' data and settings lie on real boxes"],
  ['override.vm.box = "hotspare/bookworm"', "Vagrant's names of the images"],
  ['    MEMORY_MB = 1024', 'what VirtualBox gives a box'],
  ['bridge=${HOTSPARE_LXC_BRIDGE:-hotspare0}', 'the usual bridge'],
  ["subnet === '192.168.11'", 'the usual subnet'],
])('%s would be a second place', (line, said) => {
  expect(shared.filter(({ words }) => words.test(line)).map(({ what }) => what)).toEqual([said]);
});
