import { CompiledQuery, type Kysely } from 'kysely';
import { connect, type Database } from './recipes/kysely.js';
import type { Notes, OrmUnderTest } from './port.js';

const notesOf = (db: Kysely<Database>): Notes => ({
  async insert(note) {
    const made = await db.insertInto('notes').values(note).returningAll().executeTakeFirstOrThrow();
    return { ...made, big: made.big === null ? null : BigInt(made.big) };
  },
  async find(id) {
    const found = await db.selectFrom('notes').selectAll().where('id', '=', id).executeTakeFirst();
    return found && { ...found, big: found.big === null ? null : BigInt(found.big) };
  },
  async rename(id, text) {
    const { numUpdatedRows } = await db
      .updateTable('notes')
      .set({ text })
      .where('id', '=', id)
      .executeTakeFirst();
    return Number(numUpdatedRows);
  },
  remove: async (id) =>
    Number((await db.deleteFrom('notes').where('id', '=', id).executeTakeFirst()).numDeletedRows),
  raw: async (text) => (await db.executeQuery<Record<string, unknown>>(CompiledQuery.raw(text))).rows,
});

export const kysely: OrmUnderTest = {
  name: 'Kysely',
  open(config) {
    const { pool, db, reads, close } = connect(config);
    return {
      pool,
      ...notesOf(db),
      reads: notesOf(reads),
      transaction: (work) => db.transaction().execute((tx) => work(notesOf(tx))),
      close,
    };
  },
  thrown: (error) => error,
  keepsErrors: true,
  usesPoolQuery: false,
};
