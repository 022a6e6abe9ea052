import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { CannedServer } from './canned.js';

/** What one statement looks like to an app. */
export const calls = {
  "pool.query('SELECT 1')": (pool: pg.Pool) => pool.query('SELECT 1'),
  'pool.query(INSERT, values)': (pool: pg.Pool) => pool.query(insert, ['a small row']),
  'pool.query({name, text, values})': (pool: pg.Pool) =>
    pool.query({ name: 'insert', text: insert, values: ['a small row'] }),
  "client.query('SELECT 1')": (_: pg.Pool, client: pg.PoolClient) => client.query('SELECT 1'),
} as const;

const insert = 'INSERT INTO bench (text) VALUES ($1)';

export type Call = keyof typeof calls;

export interface Turn {
  readonly call: Call;
  readonly concurrency: number;
  readonly queries: number;
}

/** Over the channel to the parent, for each Turn: CPU per query, user and system, of this process, in µs. */
export interface Taken {
  readonly cpuUs: number;
}

/** A process with one pool: bare pg's, or that of the library in the file that it was given. */
async function contest(library: string | undefined): Promise<void> {
  const { Pool } = library
    ? ((await import(pathToFileURL(library).href)) as { Pool: typeof pg.Pool })
    : { Pool: pg.Pool };
  const options = { max: 8, user: 'bench', stream: () => new CannedServer() as never };
  const target = { host: '127.0.0.1', port: 5432 };
  const discovered = { ...options, hotspare: { hosts: [target], cacheFile: false } };
  const pool = new Pool(library ? discovered : { ...options, ...target });
  const client = await pool.connect();
  process.on('message', (turn: Turn) => {
    void take(pool, client, turn).then((taken) => process.send?.(taken));
  });
  process.on('disconnect', () => process.exit());
  process.send?.('ready');
}

async function take(pool: pg.Pool, client: pg.PoolClient, turn: Turn): Promise<Taken> {
  const call = calls[turn.call];
  let left = turn.queries;
  const before = process.cpuUsage();
  await Promise.all(
    Array.from({ length: turn.concurrency }, async () => {
      while (left-- > 0) await call(pool, client);
    }),
  );
  const { user, system } = process.cpuUsage(before);
  return { cpuUs: (user + system) / turn.queries };
}

if (process.send) await contest(process.argv[2]);
