import { createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { knock } from '../../../../agent/drivers/postgres/session/knock.js';
import { systemClock as clock } from '../../../../common/runtime/clock.js';
import { eventuallyMs } from '../../../support/patience.js';
import { freePorts } from '../../../support/ports.js';
import { waitFor } from '../../../support/wait.js';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function listening(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    onConnection(socket);
  });
  closing.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as { port: number }).port;
}

const at = (port: number, giveUpMs = 60_000) => knock({ address: '127.0.0.1', port }, clock, giveUpMs);

test('one letter is an answer, and the knock leaves', async () => {
  const heard: string[] = [];
  let left = false;
  const port = await listening((socket) => {
    socket.on('close', () => (left = true));
    socket.once('data', (data) => {
      heard.push(data.toString('hex'));
      socket.write('N');
    });
  });
  await at(port);
  await waitFor('the end of the connection', eventuallyMs, () => left);
  // SSLRequest, as the protocol has it: 8 bytes, code 80877103.
  expect(heard).toEqual(['0000000804d2162f']);
});

test('so is an end, and a refusal', async () => {
  await at(await listening((socket) => socket.once('data', () => socket.destroy())));
  await at((await freePorts(1))[0]!);
});

test('no answer: it is pending, and gives up in the end', async () => {
  let answered = false;
  const port = await listening((socket) => socket.resume());
  const pending = at(port).then(() => (answered = true));
  await at(port, 50);
  expect(answered).toBe(false);
  closing.splice(0).forEach((close) => close());
  await pending;
});
