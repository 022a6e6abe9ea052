import type pg from 'pg';

/** Ends a session at once, without a word to a server that may no longer listen. */
export function hangUp(client: pg.Client | undefined): void {
  client?.connection.stream.destroy();
}
