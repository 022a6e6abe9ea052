import { Resolver } from 'node:dns/promises';
import { expect, test } from 'vitest';
import { waitFor } from '../../support/wait.js';
import { strangerAddress, withStranger } from '../support/stranger.js';
import { boxes } from '../support/vagrant-boxes.js';

/** DNS as a machine without Consul has it: from outside, adm1 as its name server. */
export function resolver(): Resolver {
  const made = new Resolver({ timeout: 2_000, tries: 2 });
  made.setServers([boxes.address('adm1')]);
  made.setLocalAddress(strangerAddress);
  return made;
}

export const balancers = async () => (await resolver().resolve4('todo.hotspare.test')).sort();

export function names(): void {
  test('DNS on adm1, asked from outside: the healthy balancers, .consul, and nothing else', async () => {
    await withStranger(async () => {
      const [nginx1, nginx2] = ['nginx1', 'nginx2'].map((box) => boxes.address(box));
      expect(await balancers()).toEqual([nginx1, nginx2]);
      expect(await resolver().resolve4('primary.pg.service.consul')).toEqual([boxes.address('pg1')]);
      expect(await resolver().resolve4('replica.pg.service.consul')).toEqual([boxes.address('pg2')]);
      await expect(resolver().resolve4('debian.org')).rejects.toThrow(/REFUSED|SERVFAIL|NOTFOUND/);

      const stoppedMs = performance.now();
      await boxes.shell('nginx1', 'systemctl stop nginx.service');
      // Tenths of a second as a rule; a watch that an earlier fault cut off is taken up again after some seconds.
      await waitFor('nginx1 to leave the name', 60_000, async () => (await balancers()).join() === nginx2);
      const goneMs = performance.now() - stoppedMs;
      const startedMs = performance.now();
      await boxes.shell('nginx1', 'systemctl start nginx.service');
      await waitFor('nginx1 to be back in the name', 60_000, async () => (await balancers()).length === 2);
      console.log(
        `nginx stopped on nginx1: todo.hotspare.test without it after ${goneMs.toFixed(0)} ms; started: with it after ${(performance.now() - startedMs).toFixed(0)} ms`,
      );
    });
  });
}
