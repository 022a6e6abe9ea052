// An HTTP server that goes on reading while there is no primary, and says so.
//
//   node examples/server.mjs                                     (--port 3400)
//   curl -X PUT localhost:3400/notes/milk -d 'two litres'        a note, written on the primary
//   curl -i localhost:3400/notes                                 all of them, read from the hot spare
//   curl -i localhost:3400/healthz                               what a load balancer asks
//
// Then, in another terminal:
//   npx hotspare lab kill pg@pg1        PUT: 503, "read-only", Retry-After. GET: as before. healthz: 200, "read-only"
//   npx hotspare lab start pg@pg1       PUT works again. Nothing was restarted
//   npx hotspare lab freeze pg@pg1      a PUT on its way then: 504, "nobody knows"; send the same again
//
// Ctrl-C answers what was asked and ends (exit code 0). The notes stay, in a schema of their own; `node examples/clean.mjs`
// removes them.
import './lab.cjs';
import { createServer } from 'node:http';
import { Pool } from 'hotspare';
import { answerFor } from './http-answers.mjs';
import { bold, coloured, option, red, say, stopSignal } from './terminal.mjs';

const stop = stopSignal();
const pool = new Pool({
  connectionString: process.env.DATABASE_URL,
  application_name: 'example-server',
  statement_timeout: 5_000, // how long one may take is for you to say, with any driver
});

// An app may start while there is no primary. It serves what it can, and makes its table when it may.
let table;
function makeTable() {
  table ??= pool
    .query(
      `CREATE SCHEMA IF NOT EXISTS hotspare_example_server;
       CREATE TABLE IF NOT EXISTS hotspare_example_server.notes (id text PRIMARY KEY, text text NOT NULL)`,
    )
    .catch((error) => {
      table = undefined;
      say(red('the table could not be made:'), error.message);
    });
}
pool.on('mode', (mode, { reason }) => {
  say(coloured(mode), bold(reason));
  if (mode === 'read-write') makeTable();
});
makeTable();

/** The same request twice is as good as once: whoever got no answer may simply send it again. */
async function putNote(id, text) {
  await pool.query(
    `INSERT INTO hotspare_example_server.notes (id, text) VALUES ($1, $2)
     ON CONFLICT (id) DO UPDATE SET text = excluded.text`,
    [id, text],
  );
  return { status: 200, body: { id, text } };
}

async function listNotes() {
  const { rows } = await pool.read.query('SELECT id, text FROM hotspare_example_server.notes ORDER BY id');
  return { status: 200, headers: { 'x-database-mode': pool.mode }, body: rows };
}

/**
 * For a load balancer: read-only is healthy, since all instances are read-only together and reads go on. `down` is not;
 * but take care that your balancer does not switch off every instance at once because of it.
 */
function health() {
  const { mode, modeSince, modeReason, dataAgeMs } = pool;
  const body = { mode, since: modeSince, reason: modeReason, dataAgeMs };
  return { status: mode === 'down' ? 503 : 200, body };
}

async function handle(request) {
  const [, room, id, ...rest] = new URL(request.url, 'http://localhost').pathname.split('/');
  if (request.method === 'GET' && room === 'healthz') return health();
  if (room === 'notes' && rest.length === 0) {
    if (request.method === 'GET' && id === undefined) return listNotes();
    if (request.method === 'PUT' && id) return putNote(decodeURIComponent(id), await textOf(request));
  }
  return { status: 404, body: { message: 'PUT /notes/ID, GET /notes, GET /healthz' } };
}

async function textOf(request) {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text;
}

const server = createServer(async (request, response) => {
  let answer;
  try {
    answer = await handle(request);
  } catch (error) {
    answer = answerFor(error) ?? {
      status: 500,
      body: { code: 'internal', message: 'Something is wrong here.' },
    };
    if (answer.status === 500) console.error(error);
  }
  response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
  response.end(`${JSON.stringify(answer.body)}\n`);
  say(request.method, request.url, answer.status);
});

server.on('error', (error) => {
  console.error(error.code === 'EADDRINUSE' ? `Port ${error.port} is taken: --port N` : error.message);
  process.exit(2);
});
server.listen(option('port', 3400), '127.0.0.1', () => {
  say('listening on', bold(`http://localhost:${server.address().port}`));
});

// Shutting down: no new requests, answers to those there are, then the pool.
stop.addEventListener('abort', () => {
  say('ending');
  server.close(() => pool.end());
});
