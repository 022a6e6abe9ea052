/** The statements. All names are qualified: nothing depends on a search path. */

const columns = 'id, title, completed, "order"';

/** One row: who answers, and the todos as JSON, so that an empty list still says where it came from. */
function read(where: string): string {
  return `
    SELECT host(inet_server_addr()) AS host, inet_server_port() AS port, pg_is_in_recovery() AS replica,
      (SELECT coalesce(json_agg(json_build_object('id', id, 'title', title, 'completed', completed, 'order', "order")
                                ORDER BY "order" NULLS LAST, arrival), '[]')
         FROM todo.todos ${where}) AS todos`;
}

export const listTodos = read('');
export const findTodo = read('WHERE id = $1::uuid');

export const insertTodo = `
  INSERT INTO todo.todos (id, title, completed, "order")
  VALUES ($1::uuid, $2::text, $3::boolean, $4::integer)
  ON CONFLICT (id) DO NOTHING
  RETURNING ${columns}`;

/** $4 says whether "order" changes: null is a value of it. */
export const updateTodo = `
  UPDATE todo.todos
  SET title = coalesce($2::text, title),
      completed = coalesce($3::boolean, completed),
      "order" = CASE WHEN $4::boolean THEN $5::integer ELSE "order" END
  WHERE id = $1::uuid
  RETURNING ${columns}`;

export const deleteTodo = 'DELETE FROM todo.todos WHERE id = $1::uuid RETURNING id';
export const deleteTodos = 'DELETE FROM todo.todos WHERE $1::boolean IS NULL OR completed = $1::boolean';

/** What the trigger of the first migration notifies. */
export const changeChannel = 'todo_changed';
