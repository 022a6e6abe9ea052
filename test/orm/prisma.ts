import { connect, sqlState } from './recipes/prisma.js';
import type { Runner } from './recipes/generated/prisma/client.js';
import type { Notes, OrmUnderTest } from './port.js';

const notesOf = (db: Runner): Notes => ({
  insert: (note) => db.note.create({ data: note }),
  find: async (id) => (await db.note.findUnique({ where: { id } })) ?? undefined,
  rename: async (id, text) => (await db.note.updateMany({ where: { id }, data: { text } })).count,
  remove: async (id) => (await db.note.deleteMany({ where: { id } })).count,
  raw: (text) => db.$queryRawUnsafe(text),
});

export const prisma: OrmUnderTest = {
  name: 'Prisma 7',
  open(config) {
    const { pool, db, reads, close } = connect(config);
    return {
      pool,
      ...notesOf(db),
      reads: notesOf(reads),
      // Its own defaults are 5 s and, for the connection, 2 s: shorter than a loaded machine may take to fail over.
      transaction: (work) => db.$transaction((tx) => work(notesOf(tx)), { timeout: 60_000, maxWait: 30_000 }),
      close,
    };
  },
  thrown: (error) => ({ code: sqlState(error) }),
  keepsErrors: false,
  usesPoolQuery: true,
};
