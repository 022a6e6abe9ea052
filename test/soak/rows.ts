import pg from 'pg';
import type { Setup } from './messages.js';
import { parseText } from './ledger.js';

/** The rows as the primary itself has them, past the library. */
async function onPrimary<T>({ primary, login }: Setup, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ ...primary, database: login.database, connectionTimeoutMillis: 10_000 });
  client.on('error', () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** In every connection of the soak: tells its sessions from those of the boxes' own programs. */
export const applicationName = 'hotspare-soak';

/** The table of the ORMs' adapters, in the schema that they all look into. */
export const createTable = (setup: Setup) =>
  onPrimary(setup, async (client) => {
    const user = client.escapeIdentifier(setup.login.user);
    await client.query(`CREATE TABLE public.notes (id serial PRIMARY KEY, text text NOT NULL, big bigint, tags jsonb,
                          at timestamptz NOT NULL DEFAULT now())`);
    await client.query(`GRANT ALL ON public.notes, public.notes_id_seq TO ${user}`);
    await client.query(`GRANT ALL ON SCHEMA public TO ${client.escapeIdentifier(setup.owner.user)}`);
  });

export const allRows = (setup: Setup) =>
  onPrimary(setup, async (client) => {
    const { rows } = await client.query<{ text: string }>('SELECT text FROM public.notes');
    return rows.map(({ text }) => parseText(text));
  });

export const removeRows = (setup: Setup) =>
  onPrimary(setup, (client) => client.query('TRUNCATE public.notes'));
