import { Pool } from '../../../sidecar/index.js';
import type { Note, Notes, OrmUnderTest } from '../../orm/port.js';

type Queries = Pick<Pool, 'query'>;

interface Row extends Omit<Note, 'big'> {
  readonly big: string | null;
}
const noteOf = ({ big, ...row }: Row): Note => ({ ...row, big: big === null ? null : BigInt(big) });

const notesOf = (db: Queries): Notes => ({
  async insert({ text, big = null, tags = null, at = new Date() }) {
    const { rows } = await db.query<Row>(
      'INSERT INTO notes (text, big, tags, at) VALUES ($1, $2, $3, $4) RETURNING *',
      [text, big, tags, at],
    );
    return noteOf(rows[0]!);
  },
  async find(id) {
    const { rows } = await db.query<Row>({
      name: 'find',
      text: 'SELECT * FROM notes WHERE id = $1',
      values: [id],
    });
    return rows[0] && noteOf(rows[0]);
  },
  rename: async (id, text) =>
    (await db.query('UPDATE notes SET text = $2 WHERE id = $1', [id, text])).rowCount ?? 0,
  remove: async (id) => (await db.query('DELETE FROM notes WHERE id = $1', [id])).rowCount ?? 0,
  raw: async (sql) => (await db.query<Record<string, unknown>>(sql)).rows,
});

/** No ORM: the Pool itself, with all that it repeats by itself, and reads that see what was written. */
export const plain: OrmUnderTest = {
  name: 'Pool',
  open(config) {
    const pool = new Pool({ ...config, readYourWrites: true });
    return {
      pool,
      ...notesOf(pool),
      reads: notesOf(pool.read),
      transaction: (work) => pool.transaction((client) => work(notesOf(client)), { retry: true }),
      close: () => pool.end(),
    };
  },
  thrown: (error) => error,
  keepsErrors: true,
  usesPoolQuery: true,
};
