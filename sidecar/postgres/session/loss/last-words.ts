import type { Clock } from '../../../../common/clock.js';
import type { ClientInternals } from '../pg-internals/client.js';
import { hasActiveStatement } from '../pg-internals/statements.js';

/** How long a server may take to close a connection that we have said goodbye on. Nothing is lost with it then. */
const farewellMs = 1_000;

/**
 * After `end()`: pg waits for the server to close the connection, a frozen one never does, and the process would stay.
 * Neither is a timer of ours a reason for a process to stay.
 */
export function boundFarewell(client: ClientInternals & NodeJS.EventEmitter, clock: Clock): void {
  const { connection } = client;
  const start = () => {
    const timer = clock.after(farewellMs, () => connection.stream.destroy(), { ref: false });
    connection.once('end', () => timer.cancel());
  };
  // With pipelining pg says goodbye once all is answered.
  if (client.pipeline && hasActiveStatement(client)) client.once('drain', start);
  else start();
}

type Listener = (...args: unknown[]) => void;

/**
 * Cursors wait for the connection to be ready again when they are closed; on a connection that has ended they would wait
 * for ever, and whoever reads from them in a loop too. They are told that it is over: there is nothing left to close. Whoever has
 * seen the end for himself and listens no more is told nothing: a session would be released twice.
 */
export function releaseWaitersAtEnd({ connection }: ClientInternals): void {
  const event = 'readyForQuery';
  const own = new Set(connection.rawListeners(event));
  connection.once('end', () => {
    for (const listener of connection.rawListeners(event)) {
      if (own.has(listener)) continue;
      process.nextTick(() => {
        if (connection.rawListeners(event).includes(listener)) listener();
      });
    }
    connection.on('newListener', (name: string, listener: Listener) => {
      if (name !== event) return;
      process.nextTick(() => {
        if (!connection.listeners(event).includes(listener)) return;
        connection.removeListener(event, listener);
        listener();
      });
    });
  });
}
