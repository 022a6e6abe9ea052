import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { Queue } from '../../../cli/alerts/outlet.js';
import { commandOutlet, hookOutlet } from '../../../cli/alerts/outlets.js';
import { systemClock } from '../../../common/runtime/clock.js';
import type { Message } from '../../../status/index.js';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';

const message: Message = {
  service: 'pg',
  id: 'no-primary',
  state: 'firing',
  severity: 'alert',
  cause: 'Writes fail.',
  next: '"hotspare promote pg2"',
  sinceMs: 1,
};
const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

test('a program gets the message as its argument and in its environment', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hotspare-alerts-'));
  ends.push(() => rmSync(folder, { recursive: true }));
  const program = join(folder, 'tell');
  writeFileSync(program, `#!/bin/sh\nprintf '%s\\n%s' "$1" "$HOTSPARE_ALERT_TEXT" > ${folder}/said\n`);
  chmodSync(program, 0o755);
  await commandOutlet(program).send(message, new AbortController().signal);
  const [json = '', text] = readFileSync(join(folder, 'said'), 'utf8').split('\n');
  expect(JSON.parse(json)).toEqual(message);
  expect(text).toBe('pg: alert: Writes fail. What to do: "hotspare promote pg2"');
  writeFileSync(program, '#!/bin/sh\necho no room >&2\nexit 3\n');
  await expect(commandOutlet(program).send(message, new AbortController().signal)).rejects.toThrow(
    'ended with 3: no room',
  );
});

test('a web hook that refuses, and then takes: the message is sent again, the next after it, and the trouble is said once', async () => {
  const taken: unknown[] = [];
  let refusals = 1;
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      if (refusals-- > 0) return response.writeHead(503).end();
      taken.push(JSON.parse(body));
      return response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => server.close());
  const troubles: string[] = [];
  const stop = new AbortController();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/secret`;
  const queue = new Queue({
    outlet: hookOutlet(url),
    clock: systemClock,
    random: () => 0,
    onTrouble: (text) => troubles.push(text),
  });
  const running = queue.run(stop.signal);
  queue.add(message);
  queue.add({ ...message, state: 'resolved' });
  await waitFor('both to be taken', eventuallyMs, () => taken.length === 2);
  stop.abort();
  await running;
  expect(taken).toMatchObject([
    { state: 'firing', text: 'pg: alert: Writes fail. What to do: "hotspare promote pg2"' },
    { state: 'resolved', text: 'pg: resolved: Writes fail.' },
  ]);
  expect(troubles).toEqual([
    `--webhook http://127.0.0.1:${(server.address() as AddressInfo).port}: answers 503; it is tried again`,
  ]);
});
