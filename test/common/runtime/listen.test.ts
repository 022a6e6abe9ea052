import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { UserError } from '../../../common/errors.js';
import type { ListenAt } from '../../../common/network-error.js';
import { listenAt } from '../../../common/runtime/listen.js';

const open: Server[] = [];
const folder = mkdtempSync(join(tmpdir(), 'hotspare-listen-'));
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

async function listening(at: ListenAt): Promise<Server> {
  const server = createServer();
  await listenAt(server, at, { what: 'cannot serve', host: 'change HOST', port: 'change PORT' });
  open.push(server);
  return server;
}

test('an address that is free', async () => {
  const server = await listening({ host: '127.0.0.1', port: 0 });
  expect(server.listening).toBe(true);
  expect(server.listenerCount('error')).toBe(0);
});

test('one that is taken', async () => {
  const { port } = (await listening({ host: '127.0.0.1', port: 0 })).address() as AddressInfo;
  const again = listening({ host: '127.0.0.1', port });
  await expect(again).rejects.toThrow(
    `cannot serve: another program listens at 127.0.0.1:${port}; stop it or change PORT`,
  );
  await expect(again).rejects.toBeInstanceOf(UserError);
});

test("another machine's", async () => {
  await expect(listening({ host: '192.0.2.1', port: 0 })).rejects.toThrow(
    'cannot serve: this machine has no address 192.0.2.1; change HOST',
  );
});

test('a socket file, and one whose folder is missing', async () => {
  const file = join(folder, 'a.sock');
  expect((await listening(file)).address()).toBe(file);
  await expect(listening(file)).rejects.toThrow(`another program listens at ${file}`);
  await expect(listening(join(folder, 'missing', 'a.sock'))).rejects.toThrow('its folder is missing');
  rmSync(folder, { recursive: true });
});
