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
