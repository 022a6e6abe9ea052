import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestLab, get, hotspare, request } from '../../support/lab.js';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';

const folder = mkdtempSync(join(tmpdir(), 'hotspare-scale-'));
const lab = new TestLab({
  HOTSPARE_PORT_OFFSET: '5000',
  HOTSPARE_LAB_DIR: join('/var/tmp', `hotspare-scale-${process.pid}`),
  HOTSPARE_TOPOLOGY: join(folder, 'topology.json'),
});

beforeAll(async () => {
  const topology = JSON.parse(readFileSync('vagrant/topology.json', 'utf8')) as {
    groups: { name: string; count: number }[];
    locations: object[];
  };
  for (const group of topology.groups) if (group.name !== 'adm') group.count += 1;
  topology.locations = [{ path: '/', service: 'todomvc', balance: 'uri-hash' }];
  writeFileSync(lab.environment['HOTSPARE_TOPOLOGY'] as string, JSON.stringify(topology));
  await lab.command('up');
});
afterAll(async () => {
  await lab.command('nuke', '--yes');
  rmSync(folder, { recursive: true, force: true });
});

describe('two more boxes in the topology, balanced by URI', () => {
  test('they join, stream, and are routed to', async () => {
    // A new standby is caught up, and said to be, some moments after all boxes run.
    const { mode, members } = await waitFor('all to be well', eventuallyMs, async () => {
      const { exitCode, stdout } = await hotspare(['status', '-o', 'json'], lab.environment);
      return (
        exitCode === 0 &&
        (JSON.parse(stdout) as {
          mode: string;
          members: { box: string; role: string; streaming?: boolean }[];
        })
      );
    });
    expect(mode).toBe('read-write');
    expect(members.map(({ box, role, streaming }) => [box, role, streaming ?? null]).sort()).toEqual([
      ['pg1', 'primary', null],
      ['pg2', 'replica', true],
      ['pg3', 'replica', true],
    ]);
  });

  test('a URI is served by one web app, whichever balancer is asked; URIs are spread over all', async () => {
    const { todo } = lab.status().urls;
    expect(todo).toHaveLength(3);
    const servers = new Set<string | null>();
    for (let n = 0; n < 30; n++) {
      const answers = await Promise.all(todo.flatMap((url) => [0, 1].map(() => get(`${url}todos?n=${n}`))));
      const servedBy = new Set(answers.map((answer) => answer.servedBy));
      expect(servedBy.size).toBe(1);
      for (const box of servedBy) servers.add(box);
    }
    expect(servers).toEqual(new Set(['nginx1', 'nginx2', 'nginx3']));
  });

  test('when its web app is lost, a URI moves to another and no request fails', async () => {
    const { todo } = lab.status().urls;
    const before = (await request(`${todo[0]}todos`)).servedBy;
    await lab.command('kill', `todomvc@${before}`);
    for (let n = 0; n < 20; n++) {
      const { status, servedBy } = await request(`${todo[n % 3]}todos`);
      expect(status).toBe(200);
      expect(servedBy).not.toBe(before);
    }
  });
});
