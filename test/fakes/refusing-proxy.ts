import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Target } from '../../common/names.js';

/** How a server says no, and that it is ready again. */
function refusal(code: string): Buffer {
  const fields = Buffer.from(`SERROR\0VERROR\0C${code}\0Mrefused by the test\0\0`, 'latin1');
  const header = Buffer.alloc(5);
  header.write('E', 'latin1');
  header.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([header, fields, Buffer.from([0x5a, 0, 0, 0, 5, 0x49])]);
}

/** Before one server: questions with these words are answered with an error of its protocol, and never reach it. */
export class RefusingProxy {
  refused = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  private constructor(
    private readonly to: Target,
    private readonly words: RegExp,
    private readonly code: string,
  ) {
    this.#server = createServer((near) => this.#join(near, connect(this.to.port, this.to.host)));
  }

  static async before(to: Target, words: RegExp, code: string): Promise<RefusingProxy> {
    const proxy = new RefusingProxy(to, words, code);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get target(): Target {
    return { host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port };
  }

  #join(near: Socket, far: Socket): void {
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => {});
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
    far.pipe(near);
    near.on('data', (chunk: Buffer) => {
      // A question waits for the answer to the one before it: each is a chunk of its own.
      if (chunk[0] !== 0x51 || !this.words.test(chunk.toString('latin1'))) return void far.write(chunk);
      this.refused += 1;
      near.write(refusal(this.code));
    });
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
