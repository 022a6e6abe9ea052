import { eq, sql } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { connect, driverError, notes } from './recipes/drizzle.js';
import type { Notes, OrmUnderTest } from './port.js';

type Runner = Pick<NodePgDatabase, 'insert' | 'select' | 'update' | 'delete' | 'execute'>;

const notesOf = (db: Runner): Notes => ({
  insert: async (note) => (await db.insert(notes).values(note).returning())[0]!,
  find: async (id) => (await db.select().from(notes).where(eq(notes.id, id)))[0],
  rename: async (id, text) => (await db.update(notes).set({ text }).where(eq(notes.id, id))).rowCount ?? 0,
  remove: async (id) => (await db.delete(notes).where(eq(notes.id, id))).rowCount ?? 0,
  raw: async (text) => (await db.execute(sql.raw(text))).rows,
});

export const drizzle: OrmUnderTest = {
  name: 'Drizzle',
  open(config) {
    const { pool, db, reads, close } = connect(config);
    return {
      pool,
      ...notesOf(db),
      reads: notesOf(reads),
      transaction: (work) => db.transaction((tx) => work(notesOf(tx))),
      close,
    };
  },
  thrown: driverError,
  keepsErrors: true,
  usesPoolQuery: true,
};
