import { AsyncLocalStorage } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { inContextOfListener } from '../../sidecar/listeners.js';

const als = new AsyncLocalStorage<string>();
const Emitter = inContextOfListener(EventEmitter, ['mode']);
const adds = ['on', 'addListener', 'once', 'prependListener', 'prependOnceListener'] as const;

test.each(adds)('%s: the listener runs in the context in which it was added', (add) => {
  const emitter = new Emitter();
  const heard: unknown[] = [];
  function listener(this: unknown, ...args: unknown[]) {
    heard.push(als.getStore(), this === emitter, ...args);
  }
  als.run('mine', () => emitter[add]('mode', listener));
  als.run('theirs', () => emitter.emit('mode', 1, 2));
  expect(heard).toEqual(['mine', true, 1, 2]);
  emitter.emit('mode', 3, 4);
  expect(heard.length).toBe(/once/i.test(add) ? 4 : 8);
});

test.each(adds)('%s: off finds the listener, and listeners() shows it', (add) => {
  const emitter = new Emitter();
  const listener = () => expect.unreachable();
  emitter[add]('mode', listener);
  expect(emitter.listeners('mode')).toEqual([listener]);
  emitter.off('mode', listener);
  expect(emitter.listenerCount('mode')).toBe(0);
  emitter.emit('mode');
});

test('other events are as ever', () => {
  const emitter = new Emitter();
  const heard: unknown[] = [];
  emitter.once('other', () => heard.push(als.getStore()));
  als.run('theirs', () => emitter.emit('other'));
  expect(emitter.emit('other')).toBe(false);
  expect(heard).toEqual(['theirs']);
  expect(() => emitter.on('mode', 5 as never)).toThrow(/listener/);
});
