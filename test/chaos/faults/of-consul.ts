import { setTimeout as delay } from 'node:timers/promises';
import { boxes } from '../../boxes/support/vagrant-boxes.js';
import { isMember } from '../boxes.js';
import { LeftOut, type Inflict } from './strike.js';
import { off } from './whole-box.js';

const tries = 8;

async function leader(): Promise<string | undefined> {
  try {
    const answer = await fetch(`${boxes.consul}/v1/status/leader`, { signal: AbortSignal.timeout(2_000) });
    const address = String(await answer.json()).split(':')[0];
    return boxes.all().find((box) => box.address === address)?.name;
  } catch {
    return undefined;
  }
}

/** Restarts whoever leads until the box does, which is left alone. */
async function bringTo(box: string): Promise<void> {
  for (let tried = 0; tried < tries; tried++) {
    const now = await leader();
    if (now === box) return;
    if (now !== undefined && !isMember(now)) await boxes.shell(now, 'systemctl restart consul', 60_000);
    else if (now !== undefined) await boxes.shell(now, 'systemctl restart consul', 60_000);
    for (let waited = 0; waited < 40 && [undefined, now].includes(await leader()); waited++) await delay(200);
  }
  throw new LeftOut(`Consul's leader did not come to ${box} in ${tries} elections`);
}

export const leaderAndPrimary: Inflict = async (strike) => {
  await bringTo(strike.box);
  await off(strike);
};

/** Two of three servers: those on boxes of no member. nginx2 has a client, which is frozen as well. */
export const quorumLost: Inflict = async ({ over }) => {
  const servers = boxes.names().filter((name) => !isMember(name));
  const all = (action: string) =>
    Promise.all(servers.map((box) => boxes.shell(box, `systemctl ${action} consul`, 60_000)));
  await all('kill -s SIGSTOP');
  await over();
  await all('kill -s SIGCONT');
};
