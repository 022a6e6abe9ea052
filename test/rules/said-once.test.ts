import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

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
    place: /^common\/runtime\/(replace-file|durable)\.ts$/,
  },
  {
    what: 'what an error of the network tells',
    words: /\b(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN|EAI_AGAIN|EMFILE|ENFILE)\b/,
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
  'common/runtime/processes/manager.ts': 'keeps the note of a process that has ended under another name',
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

test.each(shared)('$what', ({ words, place }) => {
  expect(ofBoxes.filter((file) => words.test(readFileSync(file, 'utf8')))).toEqual([place]);
});

test.each([
  ['version=15', 'the Postgres of real boxes'],
  ['postgresql-client-15', 'the Postgres of real boxes'],
  ['readonly node_version=22.23.3', 'the Node of real boxes'],
  ['find /opt/hotspare-releases', 'the folders of Node and of the releases on real boxes'],
  ['    MEMORY_MB = 1024', 'what VirtualBox gives a box'],
  ['bridge=${HOTSPARE_LXC_BRIDGE:-hotspare0}', 'the usual bridge'],
  ["subnet === '192.168.11'", 'the usual subnet'],
])('%s would be a second place', (line, said) => {
  expect(shared.filter(({ words }) => words.test(line)).map(({ what }) => what)).toEqual([said]);
});
