import { drizzle } from './drizzle.js';
import { knex, knexBefore33 } from './knex.js';
import { kysely } from './kysely.js';
import { mikroOrm } from './mikro-orm.js';
import { prisma } from './prisma.js';
import { sequelize } from './sequelize.js';
import { describeOrms } from './suite.js';
import { typeorm } from './typeorm.js';

describeOrms([drizzle, knex, knexBefore33, kysely, mikroOrm, prisma, sequelize, typeorm]);
