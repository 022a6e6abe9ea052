// LISTEN that survives the loss of its connection. What was sent meanwhile is not delivered later: Postgres keeps no
// notifications. So a notification only says "look": what there is to know stands in a table.
//
//   node examples/listen.mjs                    40 messages, twenty seconds (--messages N)
//
// Meanwhile, in another terminal:
//   npx hotspare lab kill pg@pg1                "lost"; the listener waits for a primary
//   npx hotspare lab start pg@pg1               it listens again and catches up; nothing is missing
//   npx hotspare lab freeze pg@pg1, then thaw   a plain client would wait for ever, in silence
//
// It ends by itself, or with Ctrl-C (exit code 0; 1 if a message was missed or came twice), and removes its table.
import './lab.cjs';
import { Client, HotspareError, Pool } from 'hotspare';
import { bold, coloured, green, option, pause, red, say, sayNews, stopSignal, yellow } from './terminal.mjs';

const stop = stopSignal();
const messages = option('messages', 40);
const connectionString = process.env.DATABASE_URL;
const pool = new Pool({ connectionString, application_name: 'example-listen' });
pool.on('mode', (mode, { reason }) => say(coloured(mode), bold(reason)));

/**
 * Calls `hear` with each message, in order, once; until `signal`. There is one writer here. With several, a smaller id may
 * become visible after a larger one: then mark what was heard in the table instead of keeping the last id.
 */
async function follow(hear, signal) {
  let last = 0;
  const stopped = new Promise((resolve) => signal.addEventListener('abort', () => resolve(true)));
  while (!signal.aborted) {
    const client = new Client({ connectionString, application_name: 'example-listen' });
    try {
      await client.connect(); // to the proven primary; ReadOnlyError or DownError when there is none
      let told = () => {};
      client.on('notification', () => told());
      client.on('error', () => {}); // as with any client of pg that is held: 'end' follows
      const ended = new Promise((resolve) => client.once('end', () => resolve(true)));
      await client.query('LISTEN hotspare_example');
      // LISTEN first, then look: what is written in between is notified.
      for (let isOver = false; !isOver && !signal.aborted;) {
        const news = new Promise((resolve) => (told = resolve)).then(() => false);
        const { rows } = await client.query(
          'SELECT id, text FROM hotspare_example_listen.messages WHERE id > $1 ORDER BY id',
          [last],
        );
        for (const { id, text } of rows) {
          last = id;
          hear(id, text);
        }
        isOver = await Promise.race([news, ended, stopped]);
      }
      if (!signal.aborted) say(yellow('the listener lost its connection'));
    } catch (error) {
      if (!(error instanceof HotspareError)) throw error;
      sayNews(`the listener waits: ${error.message}`);
    }
    await client.end().catch(() => {});
    await pause(200, signal);
  }
}

/** The writer: row and notification are one statement, so there is no one without the other. */
async function send(id) {
  await pool.query(
    `WITH new AS (INSERT INTO hotspare_example_listen.messages VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id)
     SELECT pg_notify('hotspare_example', id::text) FROM new`,
    [id, `message ${id}`],
  );
}

async function persist(work) {
  while (!stop.aborted) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof HotspareError)) throw error;
      sayNews(`waiting: ${error.message}`);
      await pause(100, stop);
    }
  }
}

await persist(() =>
  pool.query(`DROP SCHEMA IF EXISTS hotspare_example_listen CASCADE;
    CREATE SCHEMA hotspare_example_listen;
    CREATE TABLE hotspare_example_listen.messages (id int PRIMARY KEY, text text NOT NULL)`),
);

const heard = [];
let sent = 0;
const enough = new AbortController();
const following = follow(
  (id, text) => {
    heard.push(id);
    if (heard.length === 1 || heard.length % 10 === 0) say(green('heard'), text); // the first, and each tenth
    if (heard.length === messages) enough.abort();
  },
  AbortSignal.any([stop, enough.signal]),
);

while (sent < messages && !stop.aborted) {
  await persist(() => send(sent + 1));
  if (stop.aborted) break;
  sent++;
  await pause(500, stop);
}
await following;

const inOrder = heard.every((id, index) => id === index + 1);
const all = stop.aborted || heard.length === sent;
console.log(
  `\nsent ${sent}, heard ${heard.length}, ${(inOrder && all ? green : red)(inOrder && all ? 'each once and in order' : `not each once: ${heard}`)}`,
);
await pool.query('DROP SCHEMA IF EXISTS hotspare_example_listen CASCADE').catch((error) => {
  console.log(`The table stays (${error.message}): node examples/clean.mjs`);
});
await pool.end();
process.exitCode = inOrder && all ? 0 : 1;
