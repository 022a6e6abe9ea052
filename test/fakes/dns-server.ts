import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { createServer, type Server, type Socket as TcpSocket } from 'node:net';
import dns2 from 'dns2';
import { freePorts } from '../support/ports.js';

const { Packet } = dns2;
export type Query = InstanceType<typeof Packet>;

/** What the server does with one UDP question; TCP the same, framed. Send nothing, something wrong, or several things. */
export type Behaviour = (query: Query, send: (bytes: Buffer) => void, from: RemoteInfo | null) => void;

/** A DNS server that does whatever a test tells it to, on UDP and TCP of one port. */
export class FakeDns {
  behaviour: Behaviour = () => {};
  overTcp: Behaviour | null = null;
  /** Questions so far, as `TYPE name`; one that was sent again counts once. */
  readonly asked: string[] = [];
  stopped = false;
  private constructor(
    readonly port: number,
    readonly udp: Socket,
    private readonly tcp: Server,
    private readonly connections: Set<TcpSocket>,
  ) {}

  static async start(): Promise<FakeDns> {
    const udp = createSocket('udp4');
    const connections = new Set<TcpSocket>();
    const tcp = createServer();
    // Not one the system would choose: over UDP it may have given that to somebody's question.
    const [port] = (await freePorts(1)) as [number];
    await new Promise<void>((resolve) => tcp.listen(port, '127.0.0.1', resolve));
    await new Promise<void>((resolve) => udp.bind(port, '127.0.0.1', resolve));
    const fake = new FakeDns(port, udp, tcp, connections);
    const seen = new Set<string>();
    udp.on('message', (bytes, from) => {
      const query = Packet.parse(bytes);
      const sender = `${from.port} ${query.header.id}`;
      if (!seen.has(sender))
        fake.asked.push(`${Packet.typeName(query.questions[0]!.type)} ${query.questions[0]!.name}`);
      seen.add(sender);
      const send = (reply: Buffer) => {
        // A late answer may come after the test.
        if (!fake.stopped) udp.send(reply, from.port, from.address);
      };
      fake.behaviour(query, send, from);
    });
    tcp.on('connection', (socket) => {
      connections.add(socket);
      socket.on('error', () => {});
      socket.on('data', (bytes) => {
        const query = Packet.parse(bytes.subarray(2));
        fake.asked.push('TCP');
        (fake.overTcp ?? fake.behaviour)(query, (reply) => socket.write(framed(reply)), null);
      });
    });
    return fake;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    for (const connection of this.connections) connection.destroy();
    await Promise.all([
      new Promise((resolve) => this.tcp.close(resolve)),
      new Promise<void>((resolve) => this.udp.close(resolve)),
    ]);
  }
}

function framed(bytes: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

export interface Answer {
  rcode?: number;
  tc?: boolean;
  /** `[name, port]`, or `[name, port, address]` for an additional A record. */
  srv?: readonly (readonly [string, number, string?])[];
  a?: readonly (readonly [string, string])[];
  aaaa?: readonly (readonly [string, string])[];
  id?: number;
  /** Another question than was asked. */
  name?: string;
  query?: boolean;
}

export function reply(query: Query, answer: Answer): Buffer {
  const { TYPE, CLASS } = Packet;
  const packet = new Packet({} as never);
  packet.header = new Packet.Header({
    id: answer.id ?? query.header.id,
    qr: answer.query ? 0 : 1,
    tc: answer.tc ? 1 : 0,
    rcode: answer.rcode ?? 0,
  } as never);
  const [asked] = query.questions;
  packet.questions = [new Packet.Question(answer.name ?? asked!.name, asked!.type, asked!.class)];
  const record = (name: string, type: number, data: object) =>
    new Packet.Resource({ name, type, class: CLASS.IN, ttl: 0, ...data } as never);
  for (const [target, port, address] of answer.srv ?? []) {
    packet.answers.push(record(asked!.name, TYPE.SRV, { priority: 1, weight: 1, port, target }));
    if (address)
      packet.additionals.push(record(target, address.includes(':') ? TYPE.AAAA : TYPE.A, { address }));
  }
  for (const [name, address] of answer.a ?? []) packet.answers.push(record(name, TYPE.A, { address }));
  for (const [name, address] of answer.aaaa ?? []) packet.answers.push(record(name, TYPE.AAAA, { address }));
  return packet.toBuffer();
}
