import pg from 'pg';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { Client, Pool, type PoolConfig } from '../../../sidecar/index.js';
import { patient } from '../../support/patience.js';
import { startPostgresPair, type PostgresPair } from '../../support/postgres.js';

/** One way to make pools and clients. All of them must behave as `pg` does while nothing fails. */
export interface Flavour {
  readonly name: 'pg' | 'hotspare' | 'hotspare without discovery';
  readonly discovery: boolean;
  readonly Pool: typeof pg.Pool;
  readonly Client: typeof pg.Client;
}

export const flavours: readonly Flavour[] = [
  { name: 'pg', discovery: false, Pool: pg.Pool, Client: pg.Client },
  {
    name: 'hotspare',
    discovery: true,
    Pool: Pool as unknown as typeof pg.Pool,
    Client: Client as unknown as typeof pg.Client,
  },
  {
    name: 'hotspare without discovery',
    discovery: false,
    Pool: Pool as unknown as typeof pg.Pool,
    Client: Client as unknown as typeof pg.Client,
  },
];

export interface Bench {
  readonly pair: PostgresPair;
  /** Where this flavour connects to. */
  where(flavour: Flavour): PoolConfig;
  pool(flavour: Flavour, options?: PoolConfig): pg.Pool;
  /** `pool.read` of a pool, which is a pg.Pool too. */
  read(options?: PoolConfig): pg.Pool;
  client(flavour: Flavour, options?: PoolConfig): pg.Client;
}

/** A pair of servers for the file; what a test makes is ended after it. */
export function bench(): Bench {
  let pair: PostgresPair | undefined;
  const made: { ending?: boolean; end(): Promise<void> }[] = [];
  const login = { user: 'app', password: 'app', database: 'app' };
  const kept = <T extends { end(): Promise<void> }>(item: T): T => {
    made.push(item);
    return item;
  };

  beforeAll(async () => {
    pair = await startPostgresPair();
  });
  afterEach(async () => {
    await Promise.all(made.splice(0).map((item) => (item.ending ? undefined : item.end())));
  });
  afterAll(() => pair?.destroy());

  const members = () => [pair!.primary, pair!.standby].map(({ host, port }) => ({ host, port }));
  const where = ({ discovery }: Flavour): PoolConfig =>
    discovery
      ? { ...login, hotspare: { hosts: members(), ...patient } }
      : { ...login, host: pair!.primary.host, port: pair!.primary.port };

  return {
    get pair() {
      return pair!;
    },
    where,
    pool: (flavour, options = {}) => kept(new flavour.Pool({ ...where(flavour), ...options })),
    read: (options = {}) => {
      // Of one member only: else it may turn from the primary to the replica in the middle of a test, as it should.
      const { host, port } = pair!.standby;
      return kept(new Pool({ ...login, hotspare: { hosts: [{ host, port }], ...patient }, ...options })).read;
    },
    client: (flavour, options = {}) => kept(new flavour.Client({ ...where(flavour), ...options })),
  };
}
