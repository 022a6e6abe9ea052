import { drizzle } from '../contract/orm/drizzle.js';
import { knex, knexBefore33 } from '../contract/orm/knex.js';
import { kysely } from '../contract/orm/kysely.js';
import type { OrmUnderTest } from '../contract/orm/port.js';
import { prisma } from '../contract/orm/prisma.js';
import { plain } from './plain.js';

/** Everything that stands on a Pool of ours, by what it is called on the command line. */
const orms: Readonly<Record<string, OrmUnderTest>> = {
  pool: plain,
  drizzle,
  knex,
  'knex-2': knexBefore33,
  kysely,
  prisma,
};

export const ormNames = Object.keys(orms);

export const ormsNamed = (names: readonly string[]): OrmUnderTest[] => names.map((name) => orms[name]!);
