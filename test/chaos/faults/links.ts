import { setTimeout as delay } from 'node:timers/promises';
import { boxes } from '../../boxes/support/vagrant-boxes.js';
import { other } from '../boxes.js';
import { cut } from './cuts.js';
import type { Inflict, Strike } from './strike.js';

const both = (one: string, another: string) =>
  [
    [one, another],
    [another, one],
  ] as const;

const cutting =
  (ways: (strike: Strike) => readonly (readonly [string, string])[]): Inflict =>
  async (strike) => {
    const heal = await cut(ways(strike));
    try {
      await strike.over();
    } finally {
      await heal();
    }
  };

const others = (box: string) => boxes.names().filter((name) => name !== box);

export const from = cutting(({ box }) => [[box, other(box)]]);
export const to = cutting(({ box }) => [[other(box), box]]);
export const between = cutting(({ box }) => both(box, other(box)));
export const server = cutting(({ box, fault }) => {
  const servers = others(box).filter((name) => name !== other(box));
  return both(box, servers[fault.pick % servers.length]!);
});
export const toAllBoxes = cutting(({ box }) => others(box).flatMap((name) => both(box, name)));

export const down: Inflict = async ({ box, over }) => {
  await boxes.link(box, 'down');
  await over();
  // Of a box that was started meanwhile it is a new one, which is up.
  await boxes.link(box, 'up').catch(() => undefined);
};

export const flapping: Inflict = async ({ box, over, fault }) => {
  let isOver = false;
  const end = over().then(() => (isOver = true));
  for (let turn = 0; !isOver; turn++) {
    await boxes.link(box, 'down').catch(() => undefined);
    await delay(150 + ((fault.pick * (turn + 1)) % 900));
    await boxes.link(box, 'up').catch(() => undefined);
    await delay(150 + ((fault.pick * (turn + 3)) % 700));
  }
  await end;
};
