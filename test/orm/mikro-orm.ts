import type { EntityManager } from '@mikro-orm/postgresql';
import { connect, Notes } from './recipes/mikro-orm.js';
import type { Note, Notes as Port, OrmUnderTest } from './port.js';

/** Each piece of work has an entity manager of its own, as the manual wants it. */
const notesOf = (em: () => EntityManager): Port => ({
  async insert(note) {
    const here = em();
    const made = here.create(Notes, { big: null, tags: null, ...note }, { partial: true });
    await here.persistAndFlush(made);
    return { ...made } as Note;
  },
  async find(id) {
    const found = await em().findOne(Notes, id, { refresh: true });
    return found ? ({ ...found } as Note) : undefined;
  },
  rename: (id, text) => em().nativeUpdate(Notes, { id }, { text }),
  remove: (id) => em().nativeDelete(Notes, { id }),
  raw: (sql) => em().execute(sql),
});

export const mikroOrm: OrmUnderTest = {
  name: 'MikroORM 6',
  open(config) {
    const { pool, db, reads, close } = connect(config);
    return {
      pool,
      ...notesOf(() => db.em.fork()),
      reads: notesOf(() => reads.em.fork()),
      transaction: (work) => db.em.fork().transactional((tx) => work(notesOf(() => tx))),
      close,
    };
  },
  thrown: (error) => error,
  keepsErrors: false,
  usesPoolQuery: false,
};
