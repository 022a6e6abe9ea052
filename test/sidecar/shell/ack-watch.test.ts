import { expect, test } from 'vitest';
import type { InFlight, SessionHandle } from '../../../sidecar/ports.js';
import { AckWatch } from '../../../sidecar/shell/ack-watch.js';
import { ManualClock } from '../../fakes/manual-clock.js';
import { member } from '../core/story.js';

const target = member('a');

/** A watch over one session; what it is busy with and what the server says are set by the story. */
function watching(ackTimeoutMs = 1_000) {
  const clock = new ManualClock();
  const told: string[] = [];
  const story = { inFlight: null as InFlight | null, waiting: [] as readonly number[] | null, asked: 0 };
  const session: SessionHandle = {
    target,
    live: true,
    destroy: (why) => {
      story.inFlight = null;
      told.push(`destroyed: ${why.message}`);
    },
    reconsider: () => {},
    bytesRead: () => 0,
  };
  const watch = new AckWatch({
    clock,
    ackTimeoutMs,
    sessions: () => [session],
    inFlight: () => story.inFlight,
    askWaiting: () => {
      story.asked += 1;
      return Promise.resolve(story.waiting);
    },
    report: (_, missing) => told.push(missing ? 'missing' : 'there again'),
  });
  /** Looks go on for so long. */
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 100) {
      await clock.advance(100);
      await watch.look();
    }
  };
  return { story, told, pass };
}

const busy = (pid = 7): InFlight => ({ statement: {}, pid });

test('a write that waits for too long is left, and its member believed again when it waits no more', async () => {
  const { story, told, pass } = watching();
  Object.assign(story, { inFlight: busy(), waiting: [7] });
  await pass(1_000);
  expect(told).toEqual([]);
  await pass(200);
  expect(told).toEqual(['missing', 'destroyed: no standby has confirmed it within 1000 ms']);
  await pass(2_000);
  expect(told).toHaveLength(2);
  story.waiting = null;
  await pass(500);
  expect(told).toHaveLength(2);
  story.waiting = [];
  await pass(100);
  expect(told.slice(2)).toEqual(['there again']);
});

test('a statement that runs long and then comes to its commit is given its time', async () => {
  const { story, told, pass } = watching();
  story.inFlight = busy();
  await pass(5_000);
  story.waiting = [7];
  await pass(900);
  expect(told).toEqual([]);
  await pass(300);
  expect(told).toHaveLength(2);
});

test('nobody is asked about statements that end soon', async () => {
  const { story, told, pass } = watching();
  for (let i = 0; i < 20; i++) {
    story.inFlight = busy();
    await pass(100);
  }
  expect([story.asked, told]).toEqual([0, []]);
});

test('one that waits, is answered, and waits anew begins anew', async () => {
  const { story, told, pass } = watching();
  Object.assign(story, { inFlight: busy(), waiting: [7] });
  await pass(800);
  story.waiting = [];
  await pass(100);
  story.waiting = [7];
  await pass(800);
  expect(told).toEqual([]);
});
