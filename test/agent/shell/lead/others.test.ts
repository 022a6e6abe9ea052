import { expect, test } from 'vitest';
import { emptyLedger, type Peer } from '../../../../agent/core/lead/model.js';
import { Others } from '../../../../agent/shell/lead/others.js';
import { ManualClock, settled } from '../../../fakes/manual-clock.js';
import { emptySnapshot, place, policy, running } from '../../core/lead/builders.js';

const { signal } = new AbortController();
const silence: Peer = { kind: 'unknown', why: 'the agent of pg2 does not answer', isUnreachable: true };
const word: Peer = { kind: 'known', self: running(true), epoch: 1, eligible: { ok: true } };

/** Without a record everybody is asked. An agent of pg1; the one of pg2 answers when the test says so. */
function asking() {
  const clock = new ManualClock();
  const questions: ((peer: Peer) => void)[] = [];
  const news = { heard: 0 };
  const members = new Map(['pg1', 'pg2'].map((name) => [name, place]));
  const others = new Others({
    config: { member: 'pg1', members, firstPolicy: policy },
    peers: { ask: () => new Promise((resolve) => questions.push(resolve)) },
    clock,
    onNews: () => (news.heard += 1),
  });
  const looks: (Peer | undefined)[] = [];
  const look = async () => {
    const seen = await others.look(
      emptySnapshot,
      emptyLedger,
      { self: running(false), isServing: true },
      signal,
    );
    looks.push(seen.get('pg2'));
  };
  const answer = async (peer: Peer) => {
    questions.shift()?.(peer);
    await settled();
  };
  return { clock, questions, looks, look, answer, news };
}

test('whoever does not answer is waited for once, and then asked beside the looks', async () => {
  const { clock, questions, looks, look, answer, news } = asking();
  void look();
  await clock.advance(300);
  expect(looks).toEqual([]);
  await answer(silence);
  expect(looks).toEqual([silence]);
  void look();
  void look();
  await clock.advance(20);
  expect(looks).toEqual([silence, silence, silence]);
  expect(questions).toHaveLength(1);
  await answer(silence);
  expect(news.heard).toBe(0);
});

test('one that answers again is news, and from then on waited for', async () => {
  const { clock, looks, look, answer, news } = asking();
  void look();
  await clock.advance(300);
  await answer(silence);
  void look();
  await clock.advance(20);
  await answer(word);
  expect(news.heard).toBe(1);
  void look();
  await clock.advance(200);
  expect(looks).toHaveLength(2);
  await answer(word);
  expect(looks.at(-1)).toEqual(word);
});

test('one that answers at once is heard in the same look', async () => {
  const { clock, looks, look, answer, news } = asking();
  void look();
  await clock.advance(300);
  await answer(silence);
  void look();
  await clock.advance(5);
  await answer(word);
  expect(looks).toEqual([silence, word]);
  expect(news.heard).toBe(0);
});

test('a silence of long ago says nothing', async () => {
  const { clock, looks, look, answer } = asking();
  void look();
  await clock.advance(300);
  await answer(silence);
  await clock.advance(5_000);
  void look();
  await clock.advance(200);
  expect(looks).toHaveLength(1);
  await answer(word);
  expect(looks).toEqual([silence, word]);
});
