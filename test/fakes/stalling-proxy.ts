import { createServer, Socket, type AddressInfo, type Server } from 'node:net';
import type { Target } from '../../common/names.js';

/** What happens to what the server says on one connection. */
export type Fault =
  | { readonly kind: 'none' }
  /** Everything it says arrives so much later. */
  | { readonly kind: 'far'; readonly delayMs: number }
  /** Accepted, and never a word. */
  | { readonly kind: 'silent' }
  /** After so many bytes, on all connections together, nothing more; they stay open. */
  | { readonly kind: 'stall'; readonly afterBytes: number }
  /** After so many bytes on a connection, it is closed. */
  | { readonly kind: 'close'; readonly afterBytes: number };

/** A TCP proxy before one server whose network may go bad, without the server or the client being told. */
export class StallingProxy {
  readonly host = '127.0.0.1';
  port = 0;
  #fault: Fault = { kind: 'none' };
  #said: Said = { bytes: 0 };
  readonly #links = new Set<Link>();
  readonly #server: Server;

  private constructor(to: Target) {
    this.#server = createServer((client) => {
      const link = new Link(client, to, this.#fault, this.#said);
      this.#links.add(link);
      client.on('close', () => this.#links.delete(link));
    });
  }

  static async before(to: Target): Promise<StallingProxy> {
    const proxy = new StallingProxy(to);
    await new Promise<void>((resolve) => proxy.#server.listen(0, proxy.host, resolve));
    proxy.port = (proxy.#server.address() as AddressInfo).port;
    return proxy;
  }

  /** What the server has said since the fault began: all of it, also what did not arrive. */
  get saidBytes(): number {
    return this.#said.bytes;
  }

  get target(): Target {
    return { host: this.host, port: this.port };
  }

  /** For connections to come, and from now on for those that are there. */
  set fault(fault: Fault) {
    this.#fault = fault;
    this.#said = { bytes: 0 };
    for (const link of this.#links) link.turn(fault, this.#said);
  }

  async close(): Promise<void> {
    for (const link of this.#links) link.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Shared by the connections of a proxy. */
interface Said {
  bytes: number;
}

class Link {
  readonly #server = new Socket();
  #fault: Fault;
  #saidByAll: Said;
  #saidBytes = 0;

  constructor(
    private readonly client: Socket,
    to: Target,
    fault: Fault,
    saidByAll: Said,
  ) {
    this.#fault = fault;
    this.#saidByAll = saidByAll;
    const over = () => this.destroy();
    for (const socket of [client, this.#server]) {
      socket.on('error', over);
      socket.on('close', over);
    }
    client.on('data', (chunk) => this.#fault.kind === 'silent' || this.#server.write(chunk));
    this.#server.on('data', (chunk) => this.#say(chunk));
    this.#server.connect(to.port, to.host);
  }

  turn(fault: Fault, saidByAll: Said): void {
    this.#fault = fault;
    this.#saidByAll = saidByAll;
    this.#saidBytes = 0;
  }

  destroy(): void {
    this.client.destroy();
    this.#server.destroy();
  }

  #say(chunk: Buffer): void {
    const fault = this.#fault;
    if (fault.kind === 'none') return void this.client.write(chunk);
    if (fault.kind === 'far') return void setTimeout(() => this.client.write(chunk), fault.delayMs);
    if (fault.kind === 'silent') return;
    const before = fault.kind === 'stall' ? this.#saidByAll.bytes : this.#saidBytes;
    const allowed = chunk.subarray(0, Math.max(0, fault.afterBytes - before));
    this.#saidByAll.bytes += chunk.length;
    this.#saidBytes += chunk.length;
    if (allowed.length > 0) this.client.write(allowed);
    if (fault.kind === 'close' && this.#saidBytes >= fault.afterBytes) this.client.end();
  }
}

/** A server that answers the first thing it hears with these words, and then nothing more. */
export async function silentAfter(words: string): Promise<{ target: Target; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', () => socket.write(words));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    target: { host: '127.0.0.1', port: (server.address() as AddressInfo).port },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
