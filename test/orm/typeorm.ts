import type { EntityManager } from 'typeorm';
import { connect, driverError, Notes } from './recipes/typeorm.js';
import type { NewNote, Note, Notes as Port, OrmUnderTest } from './port.js';

interface Row extends Omit<Note, 'big'> {
  readonly big: string | null;
}
const noteOf = (row: Row): Note => ({ ...row, big: row.big === null ? null : BigInt(row.big) });

const notesOf = (db: EntityManager): Port => ({
  async insert({ big, ...note }: NewNote) {
    const row = { ...note, big: big?.toString() ?? null };
    const { tags = null, ...made } = await db.getRepository(Notes).save(row);
    return noteOf({ tags, ...made } as Row);
  },
  async find(id) {
    const found = await db.getRepository(Notes).findOneBy({ id });
    return found ? noteOf(found as Row) : undefined;
  },
  rename: async (id, text) => (await db.getRepository(Notes).update({ id }, { text })).affected ?? 0,
  remove: async (id) => (await db.getRepository(Notes).delete({ id })).affected ?? 0,
  raw: (sql) => db.query(sql),
});

export const typeorm: OrmUnderTest = {
  name: 'TypeORM 0.3',
  async open(config) {
    const { pool, db, reads, close } = await connect(config);
    return {
      pool,
      ...notesOf(db.manager),
      reads: notesOf(reads.manager),
      transaction: (work) => db.transaction((tx) => work(notesOf(tx))),
      close,
    };
  },
  thrown: driverError,
  keepsErrors: true,
  usesPoolQuery: false,
};
