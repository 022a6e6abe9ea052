-- Up Migration
CREATE TABLE todo.todos (
    id        uuid    PRIMARY KEY,
    title     text    NOT NULL CHECK (title <> ''),
    completed boolean NOT NULL DEFAULT false,
    "order"   integer,
    -- Order of arrival; says nothing about time.
    arrival   bigint  NOT NULL GENERATED ALWAYS AS IDENTITY
);

-- Every app keeps its pages in step by listening; the trigger also covers changes made by hand.
CREATE FUNCTION todo.tell_change() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('todo_changed', '');
    RETURN NULL;
END
$$;

CREATE TRIGGER tell_change
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON todo.todos
    FOR EACH STATEMENT EXECUTE FUNCTION todo.tell_change();

-- Down Migration
DROP TABLE todo.todos;
DROP FUNCTION todo.tell_change();
