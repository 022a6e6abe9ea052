import { createRequire } from 'node:module';
import type { Knex, knex as Connect } from 'knex-2';
import { Client, type ClientConfig } from '../../../sidecar/index.js';

const require = createRequire(import.meta.url);
const { knex } = require('knex-2') as { knex: typeof Connect };
const PostgresDialect = require('knex-2/lib/dialects/postgres/index.js') as typeof Knex.Client;

/** Knex's own pool, with connections to the proven primary. */
class OnPrimary extends PostgresDialect {
  _driver() {
    return { Client };
  }
}

export function connect(config: ClientConfig): Knex {
  // A function: Knex would copy an object, and a Resolver in it.
  return knex({
    client: OnPrimary,
    connection: () => config as object,
    pool: { min: 0, max: 3 },
  });
}
