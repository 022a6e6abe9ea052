import { drizzle } from './drizzle.js';
import { knex, knexBefore33 } from './knex.js';
import { kysely } from './kysely.js';
import { prisma } from './prisma.js';
import { describeOrms } from './suite.js';

describeOrms([drizzle, knex, knexBefore33, kysely, prisma]);
