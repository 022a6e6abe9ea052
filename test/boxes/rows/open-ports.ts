import { expect, test } from 'vitest';
import { subnet } from '../support/names.js';
import { scan, watchUdp, type Answered } from '../support/scan.js';
import { strangerAddress, withStranger } from '../support/stranger.js';
import { boxes } from '../support/vagrant-boxes.js';

// What docs/PORTS.md promises, written down once more by hand: the firewall's own table is what is tested.
const web = { tcp: [80, 443], udp: [] as number[] };
const dns = { tcp: [53], udp: [53] };
const toAll = {
  adm1: dns,
  pg1: { tcp: [] as number[], udp: [] as number[] },
  pg2: { tcp: [] as number[], udp: [] as number[] },
  nginx1: web,
  nginx2: web,
};
type Ports = typeof toAll;

const plus = (tcp: Partial<Record<keyof Ports, number[]>>, udp: number[] = []): Ports =>
  Object.fromEntries(
    Object.entries(toAll).map(([box, ports]) => [
      box,
      {
        tcp: [...ports.tcp, ...(tcp[box as keyof Ports] ?? [])].sort((a, b) => a - b),
        udp: [...ports.udp, ...udp].sort((a, b) => a - b),
      },
    ]),
  ) as Ports;

const gossipAndAgent = [8008, 8301];
const member = [8008, 8300, 8301];

const sources: { who: string; from: string; source: string; expected: () => Ports }[] = [
  { who: 'a stranger on the network', from: 'host', source: strangerAddress, expected: () => toAll },
  {
    who: 'the host that manages the boxes',
    from: 'host',
    source: `${subnet}.1`,
    expected: () =>
      plus({
        adm1: [22, 8008, 8500],
        pg1: [22, 8008],
        pg2: [22, 8008],
        nginx1: [22, 8008],
        nginx2: [22, 8008],
      }),
  },
  {
    who: 'adm1',
    from: 'adm1',
    source: `${subnet}.5`,
    expected: () =>
      plus({ pg1: member, pg2: gossipAndAgent, nginx1: member, nginx2: gossipAndAgent }, [8301]),
  },
  {
    who: 'pg2',
    from: 'pg2',
    source: `${subnet}.12`,
    expected: () =>
      plus({ adm1: member, pg1: [5432, ...member], nginx1: member, nginx2: gossipAndAgent }, [8301]),
  },
  {
    who: 'nginx2',
    from: 'nginx2',
    source: `${subnet}.22`,
    expected: () =>
      plus(
        { adm1: member, pg1: [5432, ...member], pg2: [5432, ...gossipAndAgent], nginx1: [3000, ...member] },
        [8301],
      ),
  },
];

export function openPorts(): void {
  for (const { who, from, source, expected } of sources)
    test(`port scan from ${who}: exactly the listed ports answer`, async () => {
      const targets = boxes.all().filter(({ name }) => name !== from);
      const tcp = await portsToTry();
      const udp = [
        ...new Set([...(await listening('u')), 53, 123, 161, 3000, 5353, 8301, 8302, 8600, 40_000]),
      ];
      const order = { tcp, udp, targets: targets.map(({ address }) => address), source };
      const udpWatch = await watchUdp(source);
      const startedMs = performance.now();
      const answered = await withStranger(() => scan(from, order));
      const through = await udpWatch.seen();
      console.log(
        `port scan from ${who}: ${tcp.length} TCP and ${udp.length} UDP ports of ${targets.length} boxes, ${((performance.now() - startedMs) / 1000).toFixed(1)} s: ${describe(answered)}`,
      );
      const wanted = expected();
      for (const { name, address } of targets) {
        const found = { tcp: answered[address], udp: through[address]?.filter((port) => udp.includes(port)) };
        expect([name, found]).toEqual([name, wanted[name as keyof Ports]]);
      }
    });
}

/** All that anything listens on anywhere, the low ones, and some. HOTSPARE_TEST_ALL=1: all there are. */
async function portsToTry(): Promise<number[]> {
  const most = process.env['HOTSPARE_TEST_ALL'] === '1' ? 65_535 : 1_024;
  const low = Array.from({ length: most }, (_, index) => index + 1);
  const some = [
    2379, 3000, 3306, 4646, 5000, 6379, 8080, 8443, 8501, 8502, 8503, 9090, 9200, 11_211, 27_017, 40_000,
    65_535,
  ];
  return [...new Set([...low, ...some, ...(await listening('t'))])];
}

async function listening(kind: 't' | 'u'): Promise<number[]> {
  const texts = await Promise.all(boxes.names().map((box) => boxes.shell(box, `ss -H -l -n -${kind}`)));
  return texts.flatMap((text) => [...text.matchAll(/:(\d+)\s/g)].map(([, port]) => Number(port)));
}

function describe(answered: Answered): string {
  return boxes
    .all()
    .filter(({ address }) => answered[address])
    .map(({ name, address }) => `${name} ${answered[address]?.join() || 'none'}`)
    .join('; ');
}
