import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { transform } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { parseDiscovery } from '../../sidecar/config/discovery.js';
import { modesToWaitFor, modeWait, parseLimits, readWait } from '../../sidecar/config/pool.js';
import * as library from '../../sidecar/index.js';
import { refuseLists } from '../../sidecar/one-host.js';
import { withStaticHosts } from '../../sidecar/several-hosts.js';

/** docs/ERRORS.md and the code, held together. */
const page = readFileSync('docs/ERRORS.md', 'utf8');
const sections = new Map(
  [...page.matchAll(/^## (.+)\n([^]*?)(?=^## |(?![^]))/gm)].map(([, title, text]) => [title!, text!]),
);
const source = readdirSync('sidecar', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => readFileSync(join('sidecar', file), 'utf8'))
  .join('\n');

/** Rows of all tables in a text, as cells. */
const rows = (text: string): string[][] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\|[-| ]+$/.test(line))
    .map((line) =>
      line
        .slice(1, line.lastIndexOf('|'))
        .split('|')
        .map((cell) => cell.trim()),
    );
const quoted = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, inside]) => inside!);

const exported = Object.entries(library).filter(([name]) => /^[A-Z].*Error$/.test(name));
type Concrete = new (message: string, cause?: unknown) => library.HotspareError;
const concrete = exported
  .filter(([, one]) => one !== library.HotspareError && one.prototype instanceof library.HotspareError)
  .map(([name, one]): [string, library.HotspareError] => [name, new (one as Concrete)('message')]);

describe('error classes', () => {
  test('each has a section, and nothing else has', () => {
    const titled = [...sections.keys()].filter((title) => title.endsWith('Error'));
    expect(titled.sort()).toEqual(exported.map(([name]) => name).sort());
  });

  test('the table at the top has those that are thrown, and what they say of themselves', () => {
    const [, ...table] = rows(page.slice(0, page.indexOf('\n## ')));
    const stated = table.map(([name, ...fields]) => [quoted(name!)[0], ...fields.slice(0, 3)]);
    const real = concrete.map(([name, { code, severity, retry }]) => [name, code, severity, retry]);
    expect(stated.sort()).toEqual([...real, ['ConfigError', '', '', '']].sort());
  });

  test.each(concrete)('%s: fields', (name, error) => {
    const stated = Object.fromEntries(
      rows(sections.get(name)!).map(([field, value]) => [quoted(field!)[0], quoted(value!)[0]]),
    );
    const { code, severity, retry } = error;
    expect(stated).toMatchObject({ name: error.name, code, severity, retry });
    expect(error.name).toBe(name);
  });

  test.each(concrete)('%s: every place that throws it is there with its message', (name) => {
    const thrown = [...source.matchAll(new RegExp(`new ${name}\\(\\s*([\`'"])((?:(?!\\1)[^])+)`, 'g'))];
    expect(thrown.length).toBeGreaterThan(0);
    const messages = rows(sections.get(name)!).map(([message]) => message!);
    for (const [, , text] of thrown) {
      const pieces = text!.split(/\$\{[^}]*\}?/).map((piece) => piece.replace(/^[ :,(]+|[ :,(]+$/g, ''));
      const own = pieces.filter((piece) => piece.length > 3);
      const there = messages.some((message) => own.every((piece) => message.includes(piece)));
      expect(there, `${name}: ${text}`).toBe(true);
    }
  });

  test('no message on the page is one that nobody gives', () => {
    for (const [name] of concrete)
      for (const [cell] of rows(sections.get(name)!).filter(([cell]) => /^`.* .*`$/.test(cell!)))
        for (const piece of quoted(cell!)[0]!.split('…')) {
          const text = piece.trim().replace(/:$/, '');
          expect(source.includes(text), `${name}: ${text}`).toBe(true);
        }
  });
});

describe('ConfigError', () => {
  /** Every key, and something that it cannot be. */
  const bad: Record<string, () => unknown> = {};
  const discovery = (key: string, options: unknown, host = '', environment = {}) =>
    (bad[key] = () => parseDiscovery(options, host, environment));
  discovery('hotspare', 'yes');
  discovery('hotspare.*', { sevice: 'pg' });
  discovery('hotspare.service', { service: 'a b' });
  discovery('hotspare.domain', { domain: '' });
  discovery('hotspare.dns', { dns: 'a:b:c' });
  discovery('hotspare.http', { http: { url: 'ftp://x' } });
  discovery('hotspare.http.*', { http: { url: 'http://x', port: 1 } });
  discovery('hotspare.hosts', { hosts: [] });
  discovery('hotspare.hosts[0]', { hosts: [5] });
  discovery('hotspare.cacheFile', { cacheFile: 5 });
  discovery('hotspare.systemId', { systemId: 5 });
  const timings =
    'dnsTimeout refresh heartbeatInterval heartbeatTimeout reconnect connectDeadline forgetAfter';
  for (const name of timings.split(' ')) discovery(`hotspare.${name}Ms`, { [`${name}Ms`]: 0 });
  discovery('host', undefined, 'replica.pg.service.consul');
  discovery('CONSUL_HTTP_ADDR', {}, '', { CONSUL_HTTP_ADDR: 'ftp://x' });
  discovery('HOTSPARE_DNS', {}, '', { HOTSPARE_DNS: 'a:b:c' });
  bad['port'] = () => new library.Pool({ host: 'pg.service.consul', port: 6432 });
  bad['PGHOST'] = () => refuseLists({}, { PGHOST: 'a,b' });
  bad['PGPORT'] = () => refuseLists({ host: 'a' }, { PGPORT: '1,2' });
  bad['target_session_attrs'] = () =>
    withStaticHosts({ connectionString: 'postgres://a,b/db?target_session_attrs=any' });
  const limits = (key: string, options: object) => (bad[key] = () => parseLimits(options));
  limits('writeWaitMs', { writeWaitMs: -1 });
  limits('ackTimeoutMs', { ackTimeoutMs: 0 });
  limits('maxReplicaLagBytes', { maxReplicaLagBytes: -1 });
  limits('warmSpare', { warmSpare: 'no' });
  limits('readYourWrites', { readYourWrites: 'no' });
  limits('readYourWrites.*', { readYourWrites: { waitms: 1 } });
  limits('readYourWrites.waitMs', { readYourWrites: { waitMs: 0 } });
  bad['waitMs'] = () => readWait(0, 'waitMs');
  bad['mode'] = () => modesToWaitFor('readwrite');
  bad['timeoutMs'] = () => modeWait(NaN);

  const stated = new Map(
    rows(sections.get('ConfigError')!).flatMap(([keys, expected]) =>
      quoted(keys!).map((key) => [key, expected!] as const),
    ),
  );

  test.each(Object.entries(bad))('%s', (key, provoke) => {
    let thrown: unknown;
    try {
      provoke();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(library.ConfigError);
    const { key: named, expected } = thrown as library.ConfigError;
    expect(named).toMatch(new RegExp(`^${key.replace(/[.[\]]/g, '\\$&').replace('*', '\\w+')}$`));
    const text = stated.get(key)?.replace(/…$/, '').trim();
    // Of a host the page says in one row what to write for either kind of tag.
    expect(text && (expected.startsWith(text) || text.startsWith(expected)), `${key}: ${expected}`).toBe(
      true,
    );
  });

  test('no other key stands there, and none in the code is forgotten', () => {
    // Of a Client class: test/sidecar/postgres/session/session-parts.test.ts; of a transaction: test/contract/library/hostile-sql.test.ts.
    expect([...stated.keys()].sort()).toEqual([...Object.keys(bad), 'Client', 'retry'].sort());
    const inCode = [...source.matchAll(/new ConfigError\(\s*[^,]+,\s*(['`])([^]+?)\1/g)]
      .map(([, , key]) => key!.replace(/\$\{.*\}/, '*'))
      // Unknown keys, whose path is a parameter: each has its row above.
      .filter((key) => key !== '*');
    expect(inCode.length).toBeGreaterThan(8);
    for (const key of inCode) expect([...stated.keys()]).toContain(key);
  });
});

test('every process warning, and no other', () => {
  const codes = [...source.matchAll(/emitWarning\([^;]*?type: '(\w+)', code: '(\w+)'/g)].map(
    ([, type, code]) => [code, type],
  );
  expect(codes).toHaveLength(source.split('emitWarning(').length - 1);
  const [, ...table] = rows(sections.get('Process warnings')!);
  expect(table.map(([code, type]) => [quoted(code!)[0], quoted(type!)[0]])).toEqual(codes.sort());
});

test('messages that are not ours are those of pg', () => {
  const folders = ['pg/lib', 'pg-pool'].map((name) => join('node_modules', name));
  const pg = folders
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .filter((file) => file.endsWith('.js'))
    .map((file) => readFileSync(file, 'utf8'));
  const known = [...pg, source].join('\n');
  const cells = rows(sections.get('Errors that are not ours')!).map(([cell]) => cell!);
  const messages = cells.filter((cell) => /^`[^`]+ [^`]+`/.test(cell)).map((cell) => quoted(cell)[0]!);
  expect(messages.length).toBeGreaterThan(6);
  for (const message of messages) expect(known.includes(message), message).toBe(true);
});

test('the short table of docs/LIBRARY.md says the same', () => {
  const guide = readFileSync('docs/LIBRARY.md', 'utf8');
  const stated = rows(guide.slice(guide.indexOf('## Errors'), guide.indexOf('## What is promised'))).slice(1);
  expect(stated.length).toBe(4);
  for (const [name, code, retry] of stated)
    expect(concrete.find(([own]) => own === quoted(name!)[0])?.[1]).toMatchObject({ code, retry });
});

test('the samples are JavaScript', async () => {
  const samples = [...page.matchAll(/^```js\n([^]*?)^```$/gm)].map(([, code]) => code!);
  expect(samples.length).toBeGreaterThan(5);
  // A piece of a handler returns.
  for (const code of samples)
    await transform(`async () => {${code.replace(/^import .*$/gm, '')}}`).catch((error: Error) =>
      expect.fail(`${error.message}\n${code}`),
    );
});
