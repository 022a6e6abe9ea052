import { createServer, type RequestListener, type Server } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ServiceStatus } from '../../../common/agent/status.js';
import { addressOf, portOf, type LabSite, type PortName } from '../../../provision/site/site.js';
import { boxesWith } from '../../../provision/topology/topology.js';
import { adminOf, NotHealthy, untilHealthy } from '../../../vagrant/settle/settle.js';
import { ManualClock } from '../../fakes/manual-clock.js';
import { boxOf, labSite, topology } from '../../provision/sites.js';
import { agent, primary, replica } from '../../status/readings.js';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';

/** Boxes that are well in Consul's eyes, and whose agents say more. */

const site: LabSite = {
  ...labSite,
  // Loopback addresses of this process alone.
  subnet: `127.${100 + (process.pid % 100)}.${(process.pid >> 7) % 250}`,
  portOffset: 20_000,
};
const servers: Server[] = [];
let spare: Partial<ServiceStatus>;
let spareAsked: number;

async function serve(box: string, port: PortName, listener: RequestListener): Promise<void> {
  const server = createServer(listener);
  servers.push(server);
  const [host, at] = [addressOf(site, boxOf(site, box)), portOf(site, port)];
  await new Promise<void>((resolve, reject) => server.on('error', reject).listen(at, host, resolve));
}

const json = { 'content-type': 'application/json' };

beforeEach(async () => {
  spare = { ...replica, streaming: false };
  spareAsked = 0;
  await serve(adminOf(site).name, 'consulHttp', ({ url = '' }, response) => {
    const service = url.split('/').at(-1)!;
    const entries = boxesWith(topology, service as 'pg').map(({ name }) => ({
      Node: { Node: name, Address: '10.0.0.1' },
      Service: {
        ID: `${service}@${name}`,
        Port: 1,
        Tags: name === 'pg1' ? ['primary'] : [],
        Address: '',
        Meta: {},
      },
      Checks: [{ CheckID: 'a', Status: 'passing', Output: '' }],
    }));
    response.writeHead(200, json).end(JSON.stringify(entries));
  });
  for (const { name } of boxesWith(topology, 'nginx'))
    await serve(name, 'web', (_, response) =>
      response.writeHead(200, { ...json, 'x-hotspare-mode': 'read-write' }).end('[]'),
    );
  await serve('pg1', 'agentHttp', (_, response) =>
    response.writeHead(200, json).end(JSON.stringify(agent('pg1', primary).status)),
  );
  await serve('pg2', 'agentHttp', (_, response) => {
    spareAsked += 1;
    response.writeHead(200, json).end(JSON.stringify(agent('pg2', spare).status));
  });
});
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

function settling() {
  const clock = new ManualClock();
  let ended: unknown = 'waits';
  const signal = new AbortController().signal;
  untilHealthy({ site, managementTokenFile: '', clock, signal }).then(
    () => (ended = 'healthy'),
    (error: unknown) => (ended = error),
  );
  const looks = (times: number) =>
    waitFor(`${times} looks`, eventuallyMs, async () => {
      await clock.advance(250);
      return spareAsked >= times;
    });
  return { clock, looks, ended: () => ended };
}

test('boxes are not all well while the spare does not stream', async () => {
  const { clock, looks, ended } = settling();
  await looks(3);
  expect(ended()).toBe('waits');
  spare = replica;
  await waitFor('all to be well', eventuallyMs, async () => {
    await clock.advance(250);
    return ended() !== 'waits';
  });
  expect(ended()).toBe('healthy');
});

test('a spare that never streams: named after a minute and a half, and so is a mute agent', async () => {
  const { clock, looks, ended } = settling();
  await looks(1);
  await waitFor('the end', eventuallyMs, async () => {
    await clock.advance(10_000);
    return ended() !== 'waits';
  });
  expect(ended()).toBeInstanceOf(NotHealthy);
  expect((ended() as Error).message).toMatch(/not all is well after 90 s:\n {2}pg on pg2 receives no WAL/);
  spare = { name: 5 as unknown as string };
  const mute = settling();
  await mute.looks(spareAsked + 1);
  await waitFor('the end', eventuallyMs, async () => {
    await mute.clock.advance(10_000);
    return mute.ended() !== 'waits';
  });
  expect((mute.ended() as Error).message).toMatch(/\n {2}pg2: its agent at .* something else/);
});
