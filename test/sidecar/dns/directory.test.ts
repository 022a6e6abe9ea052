import { createSocket } from 'node:dgram';
import dns2 from 'dns2';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../common/runtime/clock.js';
import { DnsDirectory } from '../../../sidecar/dns/directory.js';
import { FakeDns, reply, type Answer, type Behaviour } from '../../fakes/dns-server.js';

const { TYPE } = dns2.Packet;
/** For questions that are not answered; an answer may take its time. */
const timeoutMs = 250;
const patientMs = 15_000;
let server: FakeDns;
let directory: DnsDirectory;

const directoryOf = (deadlineMs: number) =>
  new DnsDirectory({
    server: { host: '127.0.0.1', port: server.port },
    service: 'pg',
    domain: 'consul',
    timeoutMs: deadlineMs,
    clock: systemClock,
  });
beforeEach(async () => {
  server = await FakeDns.start();
  directory = directoryOf(patientMs);
});
afterEach(() => server.stop());

const answer =
  (...answers: Answer[]): Behaviour =>
  (query, send) => {
    for (const each of answers) send(reply(query, each));
  };
const good: Answer = { srv: [['pg1.node.dc1.consul', 5432, '10.0.0.1']] };
const evil: Answer = { srv: [['evil.example', 666, '6.6.6.6']] };
const found = (...hosts: [string, number][]) => ({
  kind: 'found',
  targets: hosts.map(([host, port]) => ({ host, port })),
});

describe('answers', () => {
  test('SRV with additional addresses, in one question with room for a long answer', async () => {
    let payload = 0;
    server.behaviour = (query, send) => {
      payload = (query.additionals[0] as { class: number }).class;
      send(reply(query, good));
    };
    expect(await directory.lookup('primary')).toEqual(found(['10.0.0.1', 5432]));
    expect(server.asked).toEqual(['SRV primary.pg.service.consul']);
    expect(payload).toBeGreaterThan(512);
  });

  test('several, sorted, each once', async () => {
    server.behaviour = answer({
      srv: [
        ['c.consul', 5433, '10.0.0.3'],
        ['b.consul', 5432, 'fd00::2'],
        ['c2.consul', 5433, '10.0.0.3'],
      ],
    });
    expect(await directory.lookup('replica')).toEqual(found(['10.0.0.3', 5433], ['fd00::2', 5432]));
  });

  test('without additionals the address is asked for; IPv6 when there is no IPv4', async () => {
    server.behaviour = (query, send) => {
      const { type, name } = query.questions[0]!;
      if (type === TYPE.SRV)
        send(
          reply(query, {
            srv: [
              ['one.consul', 1],
              ['two.consul', 2],
            ],
          }),
        );
      else if (type === TYPE.A) send(reply(query, name === 'one.consul' ? { a: [[name, '10.0.0.1']] } : {}));
      else send(reply(query, { aaaa: [[name, 'fd00::2']] }));
    };
    expect(await directory.lookup('replica')).toEqual(found(['10.0.0.1', 1], ['fd00::2', 2]));
  });

  test('a question that got lost is sent again', async () => {
    let datagrams = 0;
    server.behaviour = (query, send) => {
      if (++datagrams > 2) send(reply(query, good));
    };
    expect(await directory.lookup('primary')).toEqual(found(['10.0.0.1', 5432]));
    expect(server.asked).toEqual(['SRV primary.pg.service.consul']);
  });

  test('cut over UDP: asked again over TCP', async () => {
    server.behaviour = answer({ ...evil, tc: true });
    server.overTcp = answer(good);
    expect(await directory.lookup('primary')).toEqual(found(['10.0.0.1', 5432]));
    expect(server.asked).toEqual(['SRV primary.pg.service.consul', 'TCP']);
  });
});

describe('"there is none" is knowledge', () => {
  test.each<[string, Answer]>([
    ['NXDOMAIN', { rcode: 3 }],
    ['no records of this type', {}],
  ])('%s', async (_, given) => {
    server.behaviour = answer(given);
    expect(await directory.lookup('primary')).toEqual({ kind: 'empty' });
  });
});

describe('the tag master means primary too', () => {
  const onlyMaster: Behaviour = (query, send) =>
    send(reply(query, query.questions[0]!.name.startsWith('master.') ? good : { rcode: 3 }));

  test('asked for when nobody is primary, and first from then on', async () => {
    server.behaviour = onlyMaster;
    expect(await directory.lookup('primary')).toEqual(found(['10.0.0.1', 5432]));
    expect(await directory.lookup('primary')).toEqual(found(['10.0.0.1', 5432]));
    const [primary, master] = ['SRV primary.pg.service.consul', 'SRV master.pg.service.consul'];
    expect(server.asked).toEqual([primary, master, master]);
    // The manager was upgraded: it says primary now.
    server.behaviour = (query, send) =>
      send(reply(query, query.questions[0]!.name.startsWith('primary.') ? good : { rcode: 3 }));
    expect(await directory.lookup('primary')).toEqual(found(['10.0.0.1', 5432]));
  });
  test('nobody under either name: there is none', async () => {
    server.behaviour = answer({ rcode: 3 });
    expect(await directory.lookup('primary')).toEqual({ kind: 'empty' });
    expect(server.asked).toEqual(['SRV primary.pg.service.consul', 'SRV master.pg.service.consul']);
  });
  test('no answer to the second question is not "there is none"', async () => {
    server.behaviour = (query, send) =>
      send(reply(query, query.questions[0]!.name.startsWith('master.') ? { rcode: 2 } : { rcode: 3 }));
    expect(await directory.lookup('primary')).toMatchObject({ kind: 'unavailable' });
  });
  test('a replica has one name only', async () => {
    server.behaviour = answer({ rcode: 3 });
    expect(await directory.lookup('replica')).toEqual({ kind: 'empty' });
    expect(server.asked).toEqual(['SRV replica.pg.service.consul']);
  });
});

describe('no answer is no knowledge', () => {
  const rows: [string, Behaviour, RegExp, Behaviour?][] = [
    ['silence', () => {}, /no answer within 250 ms/],
    [
      'too late',
      (query, send) => void setTimeout(() => send(reply(query, good)), timeoutMs + 100),
      /no answer within/,
    ],
    ['REFUSED', answer({ rcode: 5 }), /REFUSED/],
    ['SERVFAIL', answer({ rcode: 2 }), /SERVFAIL/],
    ['an unknown code', answer({ rcode: 14 }), /rcode 14/],
    ['garbage', (_, send) => send(Buffer.from('garbage, garbage, garbage')), /no answer within/],
    ['three bytes', (_, send) => send(Buffer.from([1, 2, 3])), /no answer within/],
    ['cut in the middle', (query, send) => send(reply(query, good).subarray(0, 50)), /damaged/],
    [
      'a forged id',
      (query, send) => send(reply(query, { ...evil, id: query.header.id ^ 1 })),
      /no answer within/,
    ],
    ['another question', answer({ ...evil, name: 'primary.other.service.consul' }), /no answer within/],
    ['our own question echoed', answer({ ...evil, query: true }), /no answer within/],
    ['an SRV record without a port', answer({ srv: [['pg1.consul', 0, '10.0.0.1']] }), /no usable SRV/],
    ['only an A record', answer({ a: [['primary.pg.service.consul', '10.0.0.1']] }), /no usable SRV/],
    [
      'a target nobody knows',
      (query, send) =>
        send(reply(query, query.questions[0]!.type === TYPE.SRV ? { srv: [['x.consul', 1]] } : { rcode: 3 })),
      /no address for x.consul/,
    ],
    ['cut, and TCP silent', answer({ tc: true }), /no answer within/, () => {}],
    ['cut, over TCP too', answer({ tc: true }), /cut, over TCP too/, answer({ tc: true, srv: good.srv! })],
    [
      'cut, and TCP forged',
      answer({ tc: true }),
      /does not belong/,
      (query, send) => send(reply(query, { ...evil, id: query.header.id ^ 1 })),
    ],
    [
      'cut, and TCP garbage',
      answer({ tc: true }),
      /does not belong/,
      (_, send) => send(Buffer.from('garbage, garbage')),
    ],
  ];
  test.each(rows)('%s', async (_, behaviour, why, overTcp) => {
    server.behaviour = behaviour;
    server.overTcp = overTcp ?? null;
    if (why.source.startsWith('no answer')) directory = directoryOf(timeoutMs);
    const startedMs = performance.now();
    const result = await directory.lookup('primary');
    expect(result).toEqual({ kind: 'unavailable', why: expect.stringMatching(why) });
    expect(performance.now() - startedMs).toBeLessThan(patientMs);
  });

  test('a closed port is known at once', async () => {
    await server.stop();
    const startedMs = performance.now();
    expect(await directory.lookup('primary')).toMatchObject({
      kind: 'unavailable',
      why: expect.stringMatching(/REFUSED/),
    });
    expect(performance.now() - startedMs).toBeLessThan(patientMs);
    server = await FakeDns.start();
  });
});

describe('what does not belong is dropped, and the wait goes on', () => {
  test('forged ids, other questions and garbage before the answer', async () => {
    server.behaviour = (query, send) => {
      send(Buffer.from('garbage'));
      send(reply(query, { ...evil, id: query.header.id ^ 0xff }));
      send(reply(query, { ...evil, name: 'evil.example' }));
      send(reply(query, { ...evil, query: true }));
      setTimeout(() => send(reply(query, good)), 30);
    };
    expect(await directory.lookup('primary')).toEqual(found(['10.0.0.1', 5432]));
  });

  test('the right id from the wrong source', async () => {
    const elsewhere = createSocket('udp4');
    await new Promise<void>((resolve) => elsewhere.bind(0, '127.0.0.1', resolve));
    server.behaviour = (query, send, from) => {
      elsewhere.send(reply(query, evil), from!.port, from!.address, () =>
        setTimeout(() => send(reply(query, good)), 30),
      );
    };
    expect(await directory.lookup('primary')).toEqual(found(['10.0.0.1', 5432]));
    await new Promise<void>((resolve) => elsewhere.close(resolve));
  });
});
