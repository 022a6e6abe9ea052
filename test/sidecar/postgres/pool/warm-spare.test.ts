import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import type { Mode, Target } from '../../../../common/names.js';
import { WarmSpare } from '../../../../sidecar/postgres/pool/warm-spare.js';
import { ManualClock } from '../../../fakes/manual-clock.js';

/** A pool that is in use, and how many spares it has begun to open. */
function used(mode: Mode) {
  const clock = new ManualClock();
  const known = { mode, replicas: [{ host: 'b', port: 1 }] as readonly Target[] };
  const opened: number[] = [];
  const spare = new WarmSpare({
    router: {
      get state() {
        return { mode: known.mode } as never;
      },
      eligible: () => known.replicas,
      fits: () => true,
    },
    clock,
    random: () => 1,
    link: {} as never,
    make: () => {
      opened.push(clock.nowMs());
      return Object.assign(new EventEmitter(), {
        connect: () => new Promise(() => {}),
        unref: () => {},
      }) as never;
    },
  });
  spare.start();
  return { clock, known, opened, spare };
}

test('a spare is opened within a tenth of a second after the primary is back, and not in every process at once', async () => {
  const { clock, known, opened, spare } = used('read-only');
  await clock.advance(1_200);
  expect(opened).toEqual([]);
  known.mode = 'read-write';
  spare.heard();
  await clock.advance(99);
  expect(opened).toEqual([]);
  await clock.advance(1);
  expect(opened).toEqual([1_300]);
  spare.heard();
  await clock.advance(5_000);
  expect(opened).toHaveLength(1);
  spare.stop();
});

test('the same when it is the replica that is found later', async () => {
  const { clock, known, opened, spare } = used('read-only');
  known.replicas = [];
  known.mode = 'read-write';
  spare.heard();
  await clock.advance(300);
  expect(opened).toEqual([]);
  known.replicas = [{ host: 'b', port: 1 }];
  spare.heard();
  await clock.advance(100);
  expect(opened).toEqual([400]);
  spare.stop();
  spare.heard();
  await clock.advance(5_000);
  expect(opened).toHaveLength(1);
});
