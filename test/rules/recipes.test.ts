import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import ormManifest from '../orm/package.json' with { type: 'json' };

const folder = 'test/orm/recipes';
const page = readFileSync('docs/RECIPES.md', 'utf8');
const shown = new Map(
  [...page.matchAll(/^<!-- (\S+) -->\n\n```ts\n(.*?)^```$/gms)].map(([, name, code]) => [name!, code!]),
);

/** What the tests run is what people read, but for where it comes from here. */
const published = (text: string) =>
  text.replaceAll('../../../sidecar/index.js', 'hotspare').replaceAll('knex-2', 'knex');

test('every recipe that is tested is in docs/RECIPES.md, and no other', () => {
  const files = readdirSync(folder).filter((name) => name.endsWith('.ts'));
  expect([...shown.keys()].sort()).toEqual(files.sort());
  for (const name of files)
    expect(shown.get(name), name).toBe(published(readFileSync(join(folder, name), 'utf8')));
});

test('the page says which versions are tested', () => {
  const packages: Record<string, string> = {
    Drizzle: 'drizzle-orm',
    Knex: 'knex',
    'Knex before 3.3': 'knex-2',
    Kysely: 'kysely',
    MikroORM: '@mikro-orm/postgresql',
    Prisma: '@prisma/adapter-pg',
    Sequelize: 'sequelize',
    TypeORM: 'typeorm',
    'pg-boss': 'pg-boss',
    'node-pg-migrate': 'node-pg-migrate',
  };
  const rows = [...page.matchAll(/^\| \[([^\]]+)\]\(#[^)]*\) \| (\S+) \|/gm)];
  expect(rows.map((row) => row[1])).toEqual(Object.keys(packages));
  const ranges: Record<string, string> = { ...manifest.dependencies, ...ormManifest.devDependencies };
  for (const [, name, version] of rows) {
    const [, majorMinor] = /(\d+\.\d+)\.\d+$/.exec(ranges[packages[name!]!]!)!;
    expect([name, version]).toEqual([name, majorMinor]);
  }
});
