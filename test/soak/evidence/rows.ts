import pg from 'pg';
import type { Setup } from '../messages.js';
import { parseText } from './ledger.js';

/** The rows as the primary itself has them, past the library. */
async function onPrimary<T>(
  { servers, admin, login }: Setup,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  for (const { host, port } of servers) {
    const client = new pg.Client({
      ...{ ...admin, host, port },
      database: login.database,
      connectionTimeoutMillis: 10_000,
    });
    client.on('error', () => {});
    try {
      await client.connect();
      const { rows } = await client.query<{ replica: boolean }>('SELECT pg_is_in_recovery() AS replica');
      if (rows[0]?.replica === false) return await work(client);
    } finally {
      await client.end();
    }
  }
  throw new Error('none of the servers is a primary');
}

/** In every connection of the soak: tells its sessions from those of the boxes' own programs. */
export const applicationName = 'hotspare-soak';

/** The tables of the ORMs' adapters and of the steady writers, in the schema that they all look into. */
export const createTables = (setup: Setup) =>
  onPrimary(setup, async (client) => {
    const user = client.escapeIdentifier(setup.login.user);
    await client.query(`CREATE TABLE public.notes (id serial PRIMARY KEY, text text NOT NULL, big bigint, tags jsonb,
                          at timestamptz NOT NULL DEFAULT now())`);
    await client.query(`GRANT ALL ON public.notes, public.notes_id_seq TO ${user}`);
    await client.query('CREATE TABLE public.tally (n bigint PRIMARY KEY, by text NOT NULL)');
    await client.query(`GRANT ALL ON public.tally TO ${user}`);
    await client.query(`GRANT ALL ON SCHEMA public TO ${client.escapeIdentifier(setup.owner.user)}`);
  });

export const allRows = (setup: Setup) =>
  onPrimary(setup, async (client) => {
    const { rows } = await client.query<{ text: string }>('SELECT text FROM public.notes');
    return rows.map(({ text }) => parseText(text));
  });

export const removeRows = (setup: Setup) =>
  onPrimary(setup, (client) => client.query('TRUNCATE public.notes'));

/** What the steady writers wrote: the Pool's are positive, those of the bare client negative. */
export const allTallies = (setup: Setup) =>
  onPrimary(setup, async (client) => {
    const { rows } = await client.query<{ n: string }>('SELECT n FROM public.tally');
    return rows.map(({ n }) => Number(n));
  });
