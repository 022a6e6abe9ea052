import { drizzle } from '../../orm/drizzle.js';
import { knex, knexBefore33 } from '../../orm/knex.js';
import { kysely } from '../../orm/kysely.js';
import { mikroOrm } from '../../orm/mikro-orm.js';
import type { OrmUnderTest } from '../../orm/port.js';
import { prisma } from '../../orm/prisma.js';
import { sequelize } from '../../orm/sequelize.js';
import { typeorm } from '../../orm/typeorm.js';
import { plain } from './plain.js';

/** Everything that stands on a Pool of ours, by what it is called on the command line. */
const orms: Readonly<Record<string, OrmUnderTest>> = {
  pool: plain,
  drizzle,
  knex,
  'knex-2': knexBefore33,
  kysely,
  'mikro-orm': mikroOrm,
  prisma,
  sequelize,
  typeorm,
};

export const ormNames = Object.keys(orms);

export const ormsNamed = (names: readonly string[]): OrmUnderTest[] => names.map((name) => orms[name]!);
