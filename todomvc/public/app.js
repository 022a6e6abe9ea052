// Puts the page together: stored todos + changes under way + mode -> one state, drawn after every event.
import { readTodos, sendChange } from './api.js';
import { connectEvents } from './events.js';
import { newId } from './ids.js';
import { Outbox } from './outbox.js';
import { applyChange, filterOf, withChanges } from './todos.js';
import { View } from './view.js';

const reloadAfterFailureMs = 1_000;
const noticeMs = 8_000;

let stored = [];
let nothingRead = true;
/** In a row. */
let readFailures = 0;
let served = {};
let database = { mode: 'read-write', since: null, reason: '' };
let live = true;
let notice = '';
let noticeTimer;
/** Counts what makes a list that is just being read out of date. */
let changesStored = 0;

const outbox = new Outbox(sendChange, {
  onUpdate: draw,
  onDone(change, todo) {
    changesStored += 1;
    stored = todo === null ? applyChange(stored, change) : putTodo(stored, todo);
    draw();
  },
  onRefused(change, why) {
    const title = change.kind === 'create' ? change.title : change.patch?.title;
    if (title !== undefined) view.giveBack(title);
    tell(why);
    void reload(null);
  },
});

const view = new View({
  create: (title) => outbox.add({ kind: 'create', id: newId(), title }),
  toggle: (id, completed) => outbox.add({ kind: 'update', id, patch: { completed } }),
  rename: (id, title) => outbox.add({ kind: 'update', id, patch: { title } }),
  remove(id) {
    const maybeStored = outbox.discard(id);
    if (maybeStored || stored.some((todo) => todo.id === id)) outbox.add({ kind: 'remove', id });
  },
  toggleAll(completed) {
    for (const todo of shownTodos())
      if (todo.completed !== completed) outbox.add({ kind: 'update', id: todo.id, patch: { completed } });
  },
  clearCompleted: () => outbox.add({ kind: 'clear-completed' }),
});

function shownTodos() {
  return withChanges(stored, outbox.changes);
}

function draw() {
  view.draw({
    todos: shownTodos(),
    filter: filterOf(location.hash),
    canEdit: database.mode === 'read-write',
    served,
    ...database,
    live,
    unsaved: outbox.unsaved,
    notice,
    nothingRead,
    readFailures,
  });
}

function tell(text) {
  notice = text;
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => {
    notice = '';
    draw();
  }, noticeMs);
  draw();
}

function putTodo(todos, todo) {
  const at = todos.findIndex(({ id }) => id === todo.id);
  return at < 0 ? [...todos, todo] : todos.with(at, todo);
}

let reading = false;
let readAgain = false;
let readTimer;
/** What the list must show: up to this token, or, with null, all there is when it is read. */
let readAfter = null;

/** Reads the list; asked for while reading, or overtaken by a change, it reads once more. */
async function reload(after) {
  clearTimeout(readTimer);
  readAfter = after;
  if (reading) {
    readAgain = true;
    return;
  }
  reading = true;
  let outcome;
  do {
    readAgain = false;
    const before = changesStored;
    outcome = await readTodos(readAfter);
    if (outcome.kind === 'read' && before !== changesStored) readAgain = true;
  } while (readAgain);
  reading = false;
  if (outcome.served !== null) served = outcome.served;
  if (outcome.kind === 'read') {
    stored = outcome.todos;
    nothingRead = false;
    readFailures = 0;
  } else {
    readFailures += 1;
    readTimer = setTimeout(() => reload(readAfter), reloadAfterFailureMs);
  }
  draw();
}

connectEvents({
  onMode({ mode, since, reason }) {
    database = { mode, since: new Date(since), reason };
    readFailures = 0;
    draw();
    void reload(null);
    if (mode === 'read-write') outbox.retryNow();
  },
  onTodos: ({ after }) => void reload(after),
  onLive(now) {
    live = now;
    draw();
  },
});
window.addEventListener('hashchange', draw);
draw();
void reload(null);
