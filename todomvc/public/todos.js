// What the page shows, worked out from the stored todos and the changes still under way. Pure.

/**
 * The list as it will be once every change has arrived. A todo with a change that could not be stored yet is
 * `unsaved`; one that is merely on its way is not, since that takes milliseconds.
 */
export function withChanges(todos, changes) {
  return changes.reduce(applyChange, todos);
}

export function applyChange(todos, change) {
  const unsaved = change.waiting ? { unsaved: true } : {};
  switch (change.kind) {
    case 'create': {
      if (todos.some(({ id }) => id === change.id)) return todos;
      const { id, title } = change;
      return [...todos, { id, title, completed: false, order: null, ...unsaved }];
    }
    case 'update':
      return todos.map((todo) => (todo.id === change.id ? { ...todo, ...change.patch, ...unsaved } : todo));
    case 'remove':
      return todos.filter(({ id }) => id !== change.id);
    case 'clear-completed':
      return todos.filter(({ completed }) => !completed);
    default:
      throw new Error(`no such change: ${change.kind}`);
  }
}

export function visible(todos, filter) {
  if (filter === 'all') return todos;
  return todos.filter(({ completed }) => completed === (filter === 'completed'));
}

/** `#/active` and so on; anything else shows all. */
export function filterOf(hash) {
  return { '#/active': 'active', '#/completed': 'completed' }[hash] ?? 'all';
}

export function counts(todos) {
  const completed = todos.filter((todo) => todo.completed).length;
  return { all: todos.length, completed, active: todos.length - completed };
}
