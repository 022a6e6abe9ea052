import { QueryTypes, type Sequelize, type Transaction } from 'sequelize';
import { connect, defineNotes, driverError, type NoteRow } from './recipes/sequelize.js';
import type { Note, Notes, OrmUnderTest } from './port.js';

const noteOf = ({ big, ...row }: NoteRow): Note => ({ ...row, big: big === null ? null : BigInt(big) });

function notesOf(db: Sequelize, model: ReturnType<typeof defineNotes>, transaction?: Transaction): Notes {
  const inside = { transaction: transaction ?? null };
  return {
    async insert({ big, ...note }) {
      const row = { ...note, big: big?.toString() ?? null } as Partial<NoteRow>;
      const made = await model.create(row, inside);
      const { tags = null, ...rest } = made.get({ plain: true });
      return noteOf({ tags, ...rest });
    },
    async find(id) {
      const found = await model.findByPk(id, inside);
      return found ? noteOf(found.get({ plain: true })) : undefined;
    },
    rename: async (id, text) => (await model.update({ text }, { where: { id }, ...inside }))[0],
    remove: (id) => model.destroy({ where: { id }, ...inside }),
    raw: (sql) => db.query(sql, { type: QueryTypes.SELECT, ...inside }),
  };
}

export const sequelize: OrmUnderTest = {
  name: 'Sequelize 6',
  open(config) {
    const { pool, db, reads, close } = connect(config);
    const model = defineNotes(db);
    return {
      pool,
      ...notesOf(db, model),
      reads: notesOf(reads, defineNotes(reads)),
      transaction: (work) => db.transaction((tx) => work(notesOf(db, model, tx))),
      close,
    };
  },
  thrown: driverError,
  keepsErrors: true,
  usesPoolQuery: false,
};
