/** One marked block of docs/SWAP.md: a program, or the two sides of a comparison. */
export interface Snippet {
  readonly name: string;
  /** Null: there is no before, the block is no comparison. */
  readonly before: string | null;
  readonly after: string;
}

const fence = /^(?:<!-- (run|from): (\S+) -->\n\n)?```(js|diff)\n(.*?)^```$/gms;

export function snippetsOf(page: string) {
  const blocks = [...page.matchAll(fence)].map(([, marker, name, language, code]) => ({
    marker,
    name: name!,
    language,
    code: code!,
  }));
  return {
    /** Neither run nor taken from a file; a comparison of settings is no code. */
    unmarked: blocks.filter(({ marker, code }) => !marker && !/^[-+]DATABASE_URL=/m.test(code)),
    taken: blocks.filter(({ marker }) => marker === 'from').map(({ name, code }) => ({ file: name, code })),
    run: blocks
      .filter(({ marker }) => marker === 'run')
      .map(({ name, language, code }): Snippet =>
        language === 'js'
          ? { name, before: null, after: code }
          : { name, before: side(code, '-'), after: side(code, '+') },
      ),
  };
}

function side(diff: string, sign: '-' | '+'): string {
  return diff
    .split('\n')
    .filter((line) => line.startsWith(sign) || line.startsWith(' ') || line === '')
    .map((line) => line.slice(1))
    .join('\n');
}

/** What stands around a snippet where it is used, and what it must print there. */
export interface Surroundings {
  readonly first?: string;
  readonly last: string;
  readonly prints: string;
}

const poolBefore = `import pg from 'pg'; const { Pool } = pg;`;
const imported = `import { Pool } from 'hotspare';`;
const pool = `${imported} const pool = new Pool({ connectionString: process.env.DATABASE_URL });`;
const order = `const id = crypto.randomUUID(); const what = 'milk';`;
const one = `console.log((await pool.query('SELECT 1 AS one')).rows[0].one); await pool.end();`;
const httpErrors = `import { answerFor } from 'hotspare/examples/http-answers.mjs'; import { ReadOnlyError } from 'hotspare';`;

export const surroundings: Readonly<Record<string, Surroundings>> = {
  // The other runs of this snippet are in the same process.
  keep: { last: `${one} delete globalThis.pool;`, prints: '1' },
  pool: { last: 'console.log(rows[0].one); await pool.end();', prints: '1' },
  client: {
    last: `client.on('notification', async ({ payload }) => { console.log(payload); });
      await client.query("NOTIFY news, 'heard'"); await client.end();`,
    prints: 'heard',
  },
  commonjs: {
    last: `const pool = new Pool({ connectionString: process.env.DATABASE_URL });
      module.exports = pool.query('SELECT 1 AS one').then(({ rows }) => console.log(rows[0].one)).finally(() => pool.end());`,
    prints: '1',
  },
  drizzle: {
    last: `console.log((await db.execute('SELECT 1 AS one')).rows[0].one); await db.$client.end();`,
    prints: '1',
  },
  hosts: { first: imported, last: one, prints: '1' },
  express: {
    first: `${httpErrors}
      const told = []; let handler;
      const app = { use: (given) => (handler = given) };
      const response = { status: (code) => (told.push(code), response), set: (all) => (told.push(Object.keys(all)), response), json: (body) => told.push(body.code) };`,
    last: `handler(new ReadOnlyError('no primary'), {}, response, () => told.push('next'));
      handler(new Error('a bug'), {}, response, () => told.push('next'));
      console.log(JSON.stringify(told));`,
    prints: '[503,["retry-after"],"read-only","next"]',
  },
  fastify: {
    first: `${httpErrors}
      const told = []; let handler;
      const app = { setErrorHandler: (given) => (handler = given) };
      const reply = { code: (code) => (told.push(code), reply), headers: (all) => (told.push(Object.keys(all)), reply), send: (body) => (told.push(body.code ?? body.message), reply) };`,
    last: `handler(new ReadOnlyError('no primary'), {}, reply);
      handler(new Error('a bug'), {}, reply);
      console.log(JSON.stringify(told));`,
    prints: '[503,["retry-after"],"read-only","a bug"]',
  },
  mode: {
    first: pool,
    last: `pool.emit('mode', 'read-only', { since: new Date(0), reason: 'a test', previous: 'read-write' }); await pool.end();`,
    prints: 'database read-write -> read-only at 1970-01-01T00:00:00.000Z: a test',
  },
  ids: {
    first: `${pool} ${order}`,
    last: `console.log((await pool.query('SELECT what FROM orders LIMIT 1')).rows[0].what); await pool.end();`,
    prints: 'milk',
  },
  reads: { first: pool, last: `console.log(rows[0].n > 0); await pool.end();`, prints: 'true' },
  ryw: {
    first: `${imported} ${order}`,
    last: `console.log(rows[0].what); await pool.end();`,
    prints: 'milk',
  },
  token: {
    first: `${pool} ${order}
      await pool.query('INSERT INTO orders (id, what) VALUES ($1, $2)', [id, what]);`,
    last: `console.log(rows[0].what); await pool.end();`,
    prints: 'milk',
  },
  timeouts: {
    first: imported,
    last: `console.log((await pool.query('SHOW statement_timeout')).rows[0].statement_timeout); await pool.end();`,
    prints: '10s',
  },
  shutdown: {
    first: `${pool} import { createServer } from 'node:http';
      const server = createServer().listen(0, '127.0.0.1');
      await pool.query('SELECT 1');`,
    last: `const closed = new Promise((resolve) => server.once('close', resolve));
      process.emit('SIGTERM'); await closed; console.log(pool.ending);`,
    prints: 'true',
  },
};

/** A side of a snippet as a whole program. */
export function programOf(code: string, { first = '', last }: Surroundings, isBefore: boolean): string {
  const before = isBefore ? first.replace(imported, poolBefore) : first;
  return `${before}\n${code}\n${last}\n`;
}
