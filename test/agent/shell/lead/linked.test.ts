import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { linked } from '../../../../agent/shell/lead/linked.js';

test('it aborts with its parent, and leaves nothing behind once released', () => {
  const parent = new AbortController();
  const first = linked(parent.signal);
  const second = linked(parent.signal);
  expect(getEventListeners(parent.signal, 'abort')).toHaveLength(2);
  first.release();
  expect(getEventListeners(parent.signal, 'abort')).toHaveLength(1);
  parent.abort(new Error('over'));
  expect(first.controller.signal.aborted).toBe(false);
  expect(second.controller.signal.reason).toEqual(new Error('over'));
  expect(linked(parent.signal).controller.signal.aborted).toBe(true);
});
