import type { Knex } from 'knex';
import type { Knex as Knex2 } from 'knex-2';
import { connect } from './recipes/knex.js';
import { connect as connectOld } from './recipes/knex-before-3.3.js';
import type { NewNote, Note, Notes, OrmUnderTest } from './port.js';

interface Row extends Omit<Note, 'big'> {
  readonly big: string | null;
}
const noteOf = (row: Row): Note => ({ ...row, big: row.big === null ? null : BigInt(row.big) });

/** What both versions have. */
type AnyKnex = Knex | Knex2;

const notesOf = (either: AnyKnex): Notes => {
  const db = either as Knex;
  const notes = () => db<Row>('notes');
  return {
    insert: async (note: NewNote) =>
      noteOf(
        (
          await notes()
            .insert(note as never)
            .returning('*')
        )[0] as Row,
      ),
    async find(id) {
      const found = (await notes().where({ id }).first()) as Row | undefined;
      return found && noteOf(found);
    },
    rename: async (id, text) => await notes().where({ id }).update({ text }),
    remove: async (id) => await notes().where({ id }).delete(),
    raw: async (text) => ((await db.raw(text)) as { rows: Record<string, unknown>[] }).rows,
  };
};

const traits = { thrown: (error: unknown) => error, keepsErrors: true, usesPoolQuery: false };

export const knex: OrmUnderTest = {
  name: 'Knex 3.3',
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
  ...traits,
};

export const knexBefore33: OrmUnderTest = {
  name: 'Knex 2',
  open(config) {
    const { pool, db, reads, close } = connectOld(config);
    return {
      pool,
      ...notesOf(db),
      reads: notesOf(reads),
      transaction: (work) => db.transaction((tx) => work(notesOf(tx))),
      close,
    };
  },
  ...traits,
};
