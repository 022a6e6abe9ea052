import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Role } from '../../common/names.js';
import type { Lookup } from '../../sidecar/core/model.js';
import { DownError, Resolver, type DiscoveryOptions } from '../../sidecar/index.js';
import { eventuallyMs } from '../support/patience.js';
import { waitFor } from '../support/wait.js';
import { found, member } from './core/story.js';

let folder: string;
const resolvers: Resolver[] = [];
/** What surfaced as uncaught exceptions. */
let surfaced: unknown[];
const surface = (error: unknown) => surfaced.push(error);
let others: NodeJS.UncaughtExceptionListener[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hotspare-resolver-'));
  surfaced = [];
  others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException').on('uncaughtException', surface);
});
afterEach(() => {
  for (const resolver of resolvers.splice(0)) resolver.close();
  process.removeAllListeners('uncaughtException');
  for (const listener of others) process.on('uncaughtException', listener);
  rmSync(folder, { recursive: true, force: true });
});

const answers: Record<Role, Lookup> = { primary: found('a'), replica: found('b') };

function resolverOf(options: DiscoveryOptions = {}): Resolver {
  const directory = { lookup: (role: Role) => Promise.resolve(answers[role]) };
  const resolver = new Resolver({ http: false, cacheFile: false, ...options }, { directory });
  resolvers.push(resolver);
  return resolver;
}

test('once it is closed it answers nobody, not even from memory', async () => {
  const resolver = resolverOf();
  expect(await resolver.primary()).toEqual(member('a'));
  expect(await resolver.replicas()).toEqual([member('b')]);
  resolver.close();
  const closed = new DownError('the resolver was closed');
  await expect(resolver.primary()).rejects.toThrow(closed);
  await expect(resolver.replicas()).rejects.toThrow(closed);
  expect(resolver.topology.primary).toEqual(member('a'));
});

describe('a listener that throws surfaces', () => {
  const mistake = new Error('a mistake of the listener');
  const mistaken = () => {
    throw mistake;
  };

  test('of `change`: whoever subscribed hears everything, and it answers', async () => {
    const resolver = resolverOf();
    resolver.on('change', mistaken);
    const first = resolver.primary();
    const heard = new Set<string>();
    resolver.subscribe(({ role, lookup }) => heard.add(`${role} ${lookup.kind}`));
    expect(await first).toEqual(member('a'));
    expect(await resolver.replicas()).toEqual([member('b')]);
    expect([...heard]).toEqual(['primary found', 'replica found']);
    await waitFor('both to surface', eventuallyMs, () => surfaced.length === 2);
    expect(surfaced).toEqual([mistake, mistake]);
  });

  test('of `warning`: it answers, and goes on keeping the file', async () => {
    const cacheFile = join(folder, 'pg.json');
    writeFileSync(cacheFile, 'damaged', { mode: 0o600 });
    const resolver = resolverOf({ cacheFile });
    resolver.on('warning', mistaken);
    expect(await resolver.primary()).toEqual(member('a'));
    await waitFor('the file', eventuallyMs, () => readFileSync(cacheFile, 'utf8').includes('"replicas":[{'));
    expect(surfaced).toEqual([mistake]);
  });
});
