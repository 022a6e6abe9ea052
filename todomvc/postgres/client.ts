import type pg from 'pg';

/** Ends a session at once, without a word to a server that may no longer listen. */
export function hangUp(client: pg.ClientBase): void {
  // Its end is wanted: nobody needs to hear of it as an error.
  client.on('error', () => {});
  // Every client is one, also those whose type says less.
  (client as pg.Client).connection.stream.destroy();
}
