import { createSocket } from 'node:dgram';
import { randomInt } from 'node:crypto';
import { connect, isIPv6 } from 'node:net';
import dns2 from 'dns2';
import type { Clock, Timer } from '../../common/clock.js';
import type { Target } from '../../common/names.js';

const { Packet } = dns2;
export type Reply = InstanceType<typeof Packet>;

/** The server said something, and it is not an answer. */
class DnsError extends Error {}

const edns = { udpPayloadSize: 1_232 };

export function question(name: string, type: 'SRV' | 'A' | 'AAAA'): { id: number; bytes: Buffer } {
  const packet = new Packet({} as never);
  const id = randomInt(0x1_0000);
  packet.header = new Packet.Header({ id, rd: 1 } as never);
  packet.questions = [new Packet.Question(name, Packet.TYPE[type], Packet.CLASS.IN)];
  // Without it Consul silently cuts UDP answers to three records.
  packet.additionals = [Packet.Resource.EDNS([], edns) as never];
  return { id, bytes: packet.toBuffer() };
}

/** Whether these bytes are the reply to that question; anything else is ignored, as if it had not come. */
function replyTo(asked: { id: number; bytes: Buffer }, received: Buffer): Reply | null {
  let reply: Reply;
  try {
    reply = Packet.parse(received);
  } catch {
    return null;
  }
  const expected = Packet.parse(asked.bytes).questions[0]!;
  const [echo] = reply.questions;
  const { header } = reply;
  if (header.id !== asked.id || header.qr !== 1 || header.opcode !== 0 || !echo) return null;
  const same =
    echo.name.toLowerCase() === expected.name.toLowerCase() &&
    echo.type === expected.type &&
    echo.class === expected.class;
  return same ? reply : null;
}

/** A datagram may be lost, most easily when many ask at the same moment: then the same question is sent again. */
const firstResendMs = 200;

/**
 * Asks over UDP, again after 0.2 s, 0.6 s and so on. A fresh socket and a random id each time; replies from elsewhere, to
 * other questions, or garbage are dropped and the wait goes on. Rejects with the signal's reason, or at once when the port
 * is closed.
 */
export function overUdp(
  server: Target,
  asked: { id: number; bytes: Buffer },
  clock: Clock,
  signal: AbortSignal,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(server.host) ? 'udp6' : 'udp4');
    let resend: Timer | undefined;
    const end = (error: unknown, reply?: Reply) => {
      signal.removeEventListener('abort', onAbort);
      resend?.cancel();
      socket.removeAllListeners();
      socket.on('error', () => {});
      socket.close();
      if (reply) resolve(reply);
      else reject(error as Error);
    };
    const onAbort = () => end(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) return onAbort();
    socket.on('error', (error) => end(error));
    socket.on('message', (bytes) => {
      const reply = replyTo(asked, bytes);
      if (reply) end(null, reply);
    });
    // Connected: the kernel drops what others send, and reports a closed port instead of letting us wait.
    socket.connect(server.port, server.host, ((error?: Error) => {
      if (signal.aborted) return;
      if (error) return end(error);
      socket.unref();
      const send = (againAfterMs: number) => {
        socket.send(asked.bytes);
        resend = clock.after(againAfterMs, () => send(2 * againAfterMs), { ref: false });
      };
      send(firstResendMs);
    }) as () => void);
  });
}

/** Asks over TCP (two bytes of length, then the message). One question per connection. */
export function overTcp(
  server: Target,
  asked: { id: number; bytes: Buffer },
  signal: AbortSignal,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: server.host, port: server.port });
    socket.unref();
    let received = Buffer.alloc(0);
    const end = (error: unknown, reply?: Reply) => {
      signal.removeEventListener('abort', onAbort);
      socket.removeAllListeners();
      socket.on('error', () => {});
      socket.destroy();
      if (reply) resolve(reply);
      else reject(error as Error);
    };
    const onAbort = () => end(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) return onAbort();
    socket.on('error', (error) => end(error));
    socket.on('close', () => end(new DnsError('the connection was closed before the answer')));
    socket.on('connect', () => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(asked.bytes.length);
      socket.write(Buffer.concat([length, asked.bytes]));
    });
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2) return;
      const length = received.readUInt16BE();
      if (received.length < length + 2) return;
      const reply = replyTo(asked, received.subarray(2, length + 2));
      end(new DnsError('the answer over TCP does not belong to the question'), reply ?? undefined);
    });
  });
}
