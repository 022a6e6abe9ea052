import { expect, test } from 'vitest';
import { afterRun, afterWrite, nextStep, type FileState } from '../../../agent/core/rollback.js';

const pause = (count: number, readerDown: boolean) => (readerDown ? 5 : 100) * count;
const settled: FileState = { wanted: 'A', disk: 'A', proven: true, good: 'A', failure: undefined };

/** What is done from a state until nothing or a wait; the command works with these texts. */
function story(from: FileState, works: readonly string[], nowMs = 0): { done: string; state: FileState } {
  let state = from;
  const done: string[] = [];
  for (let steps = 0; steps < 20; steps++) {
    const step = nextStep(state, nowMs);
    if (step.kind === 'nothing') break;
    if (step.kind === 'wait') {
      done.push(`until ${step.untilMs}`);
      break;
    }
    if (step.kind === 'write') {
      done.push(step.text);
      state = afterWrite(state, step.text);
    } else {
      const isDone = works.includes(state.disk ?? '');
      done.push(isDone ? 'ok' : 'no');
      state = afterRun(state, isDone ? undefined : 'why', nowMs, pause);
    }
  }
  return { done: done.join(' '), state };
}

test('what is there and proven is left alone', () => {
  expect(story(settled, []).done).toBe('');
});

test('a new text that works', () => {
  const { done, state } = story({ ...settled, wanted: 'B' }, ['B']);
  expect(done).toBe('B ok');
  expect(state).toMatchObject({ disk: 'B', good: 'B', proven: true, failure: undefined });
});

test('a new text that fails: the good one is put back, its command run, and the new one tried later', () => {
  const first = story({ ...settled, wanted: 'B' }, ['A']);
  expect(first.done).toBe('B no A ok until 100');
  expect(first.state).toMatchObject({ disk: 'A', good: 'A', failure: { goodText: 'works', count: 1 } });
  expect(story(first.state, ['A'], 99).done).toBe('until 100');
  const second = story(first.state, ['A'], 100);
  expect(second.done).toBe('B no A ok until 300');
  expect(story(second.state, ['A', 'B'], 300)).toMatchObject({ done: 'B ok', state: { failure: undefined } });
});

test('both fail: the good one stays, and the new one is tried soon', () => {
  const { done, state } = story({ ...settled, wanted: 'B' }, []);
  expect(done).toBe('B no A no until 5');
  expect(state).toMatchObject({ disk: 'A', proven: false, failure: { text: 'B', goodText: 'failed' } });
  expect(story(state, ['A', 'B'], 5).done).toBe('B ok');
});

test('another text is wanted meanwhile: it is tried at once', () => {
  const { state } = story({ ...settled, wanted: 'B' }, ['A']);
  expect(story({ ...state, wanted: 'C' }, ['A', 'C'], 1).done).toBe('C ok');
});

test('the old text is wanted again: nothing is to be done', () => {
  const { state } = story({ ...settled, wanted: 'B' }, ['A']);
  expect(story({ ...state, wanted: 'A' }, ['A'], 1).done).toBe('');
});

test('no text is known to have worked: the new one stays and its command is repeated', () => {
  const { done, state } = story({ ...settled, disk: undefined, good: undefined, wanted: 'B' }, []);
  expect(done).toBe('B no until 100');
  expect(story(state, ['B'], 100).done).toBe('ok');
});

test('an earlier run was killed before its command: what is wanted is run', () => {
  const killed: FileState = { wanted: 'B', disk: 'B', proven: false, good: 'A', failure: undefined };
  expect(story(killed, ['B']).done).toBe('ok');
  expect(story(killed, ['A']).done).toBe('no A ok until 100');
});
