import { expect, test } from 'vitest';
import type { LeasePort } from '../../../../agent/lease-port.js';
import { SessionKeeper } from '../../../../agent/shell/lead/sessions.js';
import { ManualClock, settled } from '../../../fakes/manual-clock.js';

type Answer = Awaited<ReturnType<LeasePort['lookUpSession']>>;
const { signal } = new AbortController();

/** Consul's answers come when the test says so. */
function kept() {
  const clock = new ManualClock();
  const questions: ((answer: Answer) => void)[] = [];
  const lookUpSession = () => new Promise<Answer>((resolve) => questions.push(resolve));
  const sessions = new SessionKeeper({ lookUpSession } as unknown as LeasePort, clock);
  const look = (id = 'one', holder?: string) => sessions.look(id, holder, signal);
  const answer = async (given: Answer) => {
    questions.shift()?.(given);
    await settled();
  };
  return { clock, questions, sessions, look, answer };
}
const valid = { kind: 'answered', state: 'valid' } as const;
const gone = { kind: 'answered', state: 'gone' } as const;

test('while Consul does not answer, what it said last holds, and is asked for beside; not for ever', async () => {
  const { clock, questions, look, answer } = kept();
  const first = look();
  await answer(valid);
  expect(await first).toEqual({ kind: 'valid', id: 'one' });
  await clock.advance(1_500);
  expect(await look()).toEqual({ kind: 'valid', id: 'one' });
  expect(await look()).toEqual({ kind: 'valid', id: 'one' });
  expect(questions).toHaveLength(1);
  await clock.advance(9_000);
  const late = look();
  expect(questions).toHaveLength(1);
  await answer({ kind: 'failed', why: 'no answer' });
  expect(await late).toEqual({ kind: 'unknown' });
});

test('what is said beside counts from the next look on', async () => {
  const { clock, look, answer, questions } = kept();
  const first = look();
  await answer(valid);
  await first;
  await clock.advance(1_500);
  await look();
  await answer(gone);
  expect(await look()).toEqual({ kind: 'none' });
  expect(questions).toHaveLength(0);
});

test('a session that was opened meanwhile is not taken back by an older answer', async () => {
  const { clock, sessions, look, answer } = kept();
  const first = look();
  await answer(gone);
  expect(await first).toEqual({ kind: 'none' });
  await clock.advance(1_500);
  await look();
  sessions.opened('two');
  await answer(gone);
  expect(await look('two')).toEqual({ kind: 'valid', id: 'two' });
});

test('the session that holds the lease lives: nothing is asked', async () => {
  const { questions, look } = kept();
  expect(await look('one', 'one')).toEqual({ kind: 'valid', id: 'one' });
  expect(questions).toHaveLength(0);
});
