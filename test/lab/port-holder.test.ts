import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { portHolder } from '../../lab/preflight/port-holder.js';

async function listening(host: string): Promise<{ port: number; close(): void }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return { port: (server.address() as { port: number }).port, close: () => server.close() };
}

test.each(['127.0.11.12', '0.0.0.0', '::'])('a listener on %s is found with its pid', async (host) => {
  const { port, close } = await listening(host);
  expect(portHolder('127.0.11.12', port)).toMatchObject({ pid: process.pid });
  close();
});

test('a listener on another address does not hold the port', async () => {
  const { port, close } = await listening('127.0.11.5');
  expect(portHolder('127.0.11.12', port)).toBeUndefined();
  close();
});
