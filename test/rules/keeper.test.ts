import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { verbs } from '../../common/keeper/client.js';
import { deadlinesMs, finalLine, refusals, request, results } from '../../common/keeper/protocol.js';
import { firstFixedMinor } from '../../keeper/postgres/versions.js';
import { settingNames } from '../../keeper/state/settings.js';
import { parseKeeperConfig } from '../../keeper/config.js';

/** docs/KEEPER.md is held to the contract. */
const page = readFileSync('docs/KEEPER.md', 'utf8');
const section = (title: string, level = '##') =>
  new RegExp(`^${level} ${title}\\n([^]*?)(?=^#{2,${level.length}} |(?![^]))`, 'm').exec(page)?.[1] ?? '';
const quoted = (text: string) =>
  [...text.replaceAll(/^```[^]*?^```$/gm, '').matchAll(/`([^`]+)`/g)].flatMap((match) =>
    match[1]!.split(/[^\w-]+/),
  );

test('every verb has a section, in the order of the list, and no other has one', () => {
  expect(section('Orders').match(/(?<=^### ).+$/gm)).toEqual([...verbs]);
  expect(Object.keys(deadlinesMs)).toEqual([...verbs]);
});

test('the defaults of deadlineMs are those of the code', () => {
  const rows = [...section('Orders').matchAll(/^\| ([\d,]+) \| (`.*) \|$/gm)];
  const stated = rows.flatMap(([, ms, names]) =>
    quoted(names!).map((name) => [name, Number(ms!.replaceAll(',', ''))]),
  );
  expect(Object.fromEntries(stated)).toEqual(deadlinesMs);
});

test.each(verbs)('%s: what it takes and gives is named in its section', (verb) => {
  const asked = quoted(section(verb, '###')).concat('verb', 'deadlineMs');
  const wanted = results[verb].keys.filter((key) => !quoted(section('facts', '###')).includes(key));
  expect(wanted.filter((key) => !asked.includes(key))).toEqual([]);
});

test('every key of an order is named somewhere among the orders', () => {
  const named = quoted(section('Orders')).concat('verb');
  expect(request.keys.filter((key) => !named.includes(key))).toEqual([]);
});

test('the refusals are those of the code', () => {
  expect(
    section('Refusals')
      .match(/(?<=^\| `)[\w-]+(?=` \|)/gm)
      ?.filter((name) => name !== 'reason'),
  ).toEqual([...refusals]);
});

test('every outcome is explained', () => {
  const rows = section('Orders').match(/(?<=^\| `)[\w-]+(?=` \|)/gm)!;
  for (const outcome of ['done', 'failed', 'refused', 'timed-out'])
    expect(() => finalLine.read({ outcome, sentence: '', reason: 'busy', result: 1 }, '')).toThrow(
      /no such key/,
    );
  expect(rows.filter((name) => name !== 'outcome').sort()).toEqual([
    'done',
    'failed',
    'refused',
    'timed-out',
    'unconfirmed',
  ]);
});

test('the oldest minors are those of the code', () => {
  for (const [major, minor] of Object.entries(firstFixedMinor)) expect(page).toContain(`${major}.${minor}`);
});

test('the settings it owns are named, and its configuration is accepted as it stands there', () => {
  for (const name of settingNames) expect(page).toContain(`\`${name}\``);
  const [, yaml] = /```yaml\n([^]*?)```/.exec(page) ?? [];
  expect(parseKeeperConfig(yaml!, 'docs/KEEPER.md')).toMatchObject({
    member: 'pg1',
    group: 'hotspare-keeper',
  });
});

test('the keeper is small, and opens no network', () => {
  const files = readdirSync('keeper', { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  const sources = files.map((file) => readFileSync(`keeper/${file}`, 'utf8'));
  expect(sources.filter((text) => text.split('\n').length > 250)).toEqual([]);
  expect(sources.join('\n')).not.toMatch(/node:(http|https|dgram|tls|dns)|fetch\(/);
  const opens = sources.join('\n').match(/\.listen\(|listenAt\([^)]*?,|createServer\(|createConnection\(/g);
  // Its socket file, and no more.
  expect(opens).toEqual(['createServer(', 'listenAt(server,']);
  expect(sources.join('\n')).toContain('listenAt(server, path,');
});

test('the rules that code and tests cite are those of the page', () => {
  const read = (folder: string) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(`${folder}/${file}`, 'utf8'))
      .join('\n');
  const citedIn = (text: string) => [...new Set(text.match(/\b[DFGOR][1-9]\b/g))].sort();
  const rules = citedIn(
    section('Rules')
      .match(/^\| [A-Z]\d/gm)!
      .join('\n'),
  );
  expect(citedIn(read('keeper'))).toEqual(rules);
  const tested = citedIn(read('test/contract/keeper') + read('test/keeper'));
  expect(rules.filter((rule) => !tested.includes(rule))).toEqual([]);
});
