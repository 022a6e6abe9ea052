import { EventEmitter, once } from 'node:events';
import { beforeEach, expect, test, vi } from 'vitest';
import { releaseWaitersAtEnd } from '../../../../../sidecar/postgres/session/loss/last-words.js';
import type { ClientInternals } from '../../../../../sidecar/postgres/session/pg-internals/client.js';

let connection: EventEmitter;
const ended = vi.fn();
beforeEach(() => {
  ended.mockReset();
  connection = new EventEmitter();
  releaseWaitersAtEnd({ connection } as unknown as ClientInternals);
});
const ticks = () => new Promise((resolve) => setImmediate(resolve));

test('who waits for the connection to be ready is told at its end, once', async () => {
  connection.once('readyForQuery', ended);
  connection.emit('end');
  await ticks();
  expect(ended).toHaveBeenCalledTimes(1);
});

test('who begins to wait after the end is told as well', async () => {
  connection.emit('end');
  connection.once('readyForQuery', ended);
  await ticks();
  expect(ended).toHaveBeenCalledTimes(1);
  expect(connection.listenerCount('readyForQuery')).toBe(0);
});

test('who has seen the end and stopped waiting is told nothing: it would release its session twice', async () => {
  connection.once('readyForQuery', ended);
  connection.once('end', () => connection.removeListener('readyForQuery', ended));
  connection.emit('end');
  await ticks();
  expect(ended).not.toHaveBeenCalled();
});

test('nor is who has begun after the end and stopped at once', async () => {
  connection.emit('end');
  connection.once('readyForQuery', ended);
  connection.removeListener('readyForQuery', ended);
  await ticks();
  expect(ended).not.toHaveBeenCalled();
});

test('a connection that is ready before its end tells once', async () => {
  const ready = once(connection, 'readyForQuery');
  connection.once('readyForQuery', ended);
  connection.emit('readyForQuery', { status: 'I' });
  await ready;
  connection.emit('end');
  await ticks();
  expect(ended).toHaveBeenCalledTimes(1);
});
