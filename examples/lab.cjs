'use strict';
/**
 * Puts what a deployment would put into an app's environment there, for the lab of `npm start`: where Consul is, the
 * token for it, the database and the password. When DATABASE_URL is set, it does nothing: the examples use that.
 *
 * A program of yours against the lab, unchanged: node -r ./examples/lab.cjs your-app.js
 */
const { existsSync, readFileSync, readdirSync, realpathSync } = require('node:fs');
const { homedir } = require('node:os');
const { basename, dirname, join, relative } = require('node:path');

helpIfAsked();
const folder = labFolder(process.env);
if (!process.env.DATABASE_URL) {
  if (!isUp(folder)) giveUp(`The lab is not up (${folder}).`);
  Object.assign(process.env, settings());
}

/** `--help` of an example prints the comment at its top; a program of yours has its own. */
function helpIfAsked() {
  const [, program, ...args] = process.argv;
  if (!program || !existsSync(program) || dirname(realpathSync(program)) !== __dirname) return;
  if (!args.some((arg) => arg === '--help' || arg === '-h')) return;
  const [comment] = /^(\/\/.*\n)+/.exec(readFileSync(program, 'utf8')) ?? ['There is none.\n'];
  process.stdout.write(comment.replace(/^\/\/ ?/gm, ''));
  process.exit(0);
}

/** The place of `npm start`: README.md, "Try it". */
function labFolder({ HOTSPARE_LAB_DIR, HOTSPARE_PORT_OFFSET, XDG_STATE_HOME }) {
  if (HOTSPARE_LAB_DIR) return HOTSPARE_LAB_DIR;
  const state = process.getuid?.() === 0 ? '/var/lib' : XDG_STATE_HOME || join(homedir(), '.local', 'state');
  const offset = Number(HOTSPARE_PORT_OFFSET || 0);
  return join(state, 'hotspare', offset === 0 ? 'lab' : `lab-${offset}`);
}

/** Whether one of its programs runs. Each has a file with its line of /proc, which ends in another start time if the pid is reused. */
function isUp(lab) {
  const run = join(lab, 'run');
  const files = existsSync(run) ? readdirSync(run).filter((name) => name.endsWith('.pid')) : [];
  return files.some((name) => {
    const then = processOf(join(run, name));
    const now = then && processOf(`/proc/${then.pid}/stat`);
    return now?.startedAt === then?.startedAt && now !== null;
  });
}

function processOf(statFile) {
  try {
    const text = readFileSync(statFile, 'utf8');
    const afterName = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { pid: parseInt(text, 10), startedAt: afterName[19] };
  } catch {
    return null;
  }
}

function settings() {
  // The same Consul, by the same token, as the todo app on the box nginx1.
  const app = readFileSync(join(folder, 'nginx1', 'etc', 'todomvc.env'), 'utf8');
  const of = (name) => new RegExp(`^${name}=(.*)$`, 'm').exec(app)?.[1];
  const { passwords } = JSON.parse(readFileSync(join(folder, 'secrets.json'), 'utf8'));
  return {
    CONSUL_HTTP_ADDR: of('CONSUL_HTTP_ADDR'),
    CONSUL_HTTP_TOKEN_FILE: of('CONSUL_HTTP_TOKEN_FILE'),
    HOTSPARE_DNS: of('HOTSPARE_DNS'),
    // Last known members, for a start without Consul; goes with `npx hotspare lab nuke`.
    CACHE_DIRECTORY: join(folder, 'examples'),
    // The lab's superuser, beside the todo app's own database. An app of yours has a role of its own.
    DATABASE_URL: 'postgres://postgres@pg.service.consul/postgres',
    PGPASSWORD: passwords.postgres,
  };
}

function others() {
  const all = dirname(folder);
  const up = existsSync(all) ? readdirSync(all).filter((name) => isUp(join(all, name))) : [];
  const offset = up.map((name) => /^lab-(\d+)$/.exec(basename(name))?.[1]).find(Boolean);
  return offset ? `  Another one is:                      export HOTSPARE_PORT_OFFSET=${offset}\n` : '';
}

function giveUp(why) {
  process.stderr.write(`${why}
${others()}  Start it in another terminal:        npm start
  or give the examples a Postgres:     DATABASE_URL=postgres://app:secret@127.0.0.1/app node ${relative('', process.argv[1] ?? 'app.js')}
`);
  process.exit(2);
}
