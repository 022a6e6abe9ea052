import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { boxes } from './vagrant-boxes.js';

const run = promisify(execFile);

export interface ScanOrder {
  readonly tcp: readonly number[];
  readonly udp: readonly number[];
  /** Addresses. */
  readonly targets: readonly string[];
  /** The address to come from. Absent: whichever. */
  readonly source?: string;
}

/** TCP ports that answered, by address: with a connection or with a refusal. A firewall that drops gives neither. */
export type Answered = Record<string, number[]>;

/** Runs as it stands on the host and in a box: nothing but Node. */
const program = `
const net = require('node:net'), dgram = require('node:dgram');
const { tcp, udp, targets, source } = JSON.parse(process.argv[1]);
const one = (host, port) => new Promise((resolve) => {
  const socket = net.connect({ host, port, localAddress: source });
  const end = (answered) => { socket.destroy(); resolve(answered); };
  socket.setTimeout(1000, () => end(false));
  socket.on('connect', () => end(true));
  socket.on('error', (error) => end(error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET'));
});
(async () => {
  const answered = Object.fromEntries(targets.map((host) => [host, []]));
  const work = targets.flatMap((host) => tcp.map((port) => [host, port]));
  await Promise.all(Array.from({ length: 2500 }, async () => {
    for (let next = work.pop(); next; next = work.pop())
      if (await one(...next)) answered[next[0]].push(next[1]);
  }));
  const socket = dgram.createSocket('udp4');
  await new Promise((resolve) => socket.bind(0, source, resolve));
  for (let again = 0; again < 2; again++)
    for (const host of targets)
      for (const port of udp)
        await new Promise((resolve) => socket.send('x', port, host, resolve));
  socket.close();
  for (const ports of Object.values(answered)) ports.sort((a, b) => a - b);
  console.log(JSON.stringify(answered));
})();
`;

/** Tries ports from this host, or from inside a box. */
export async function scan(from: string, order: ScanOrder): Promise<Answered> {
  const argument = JSON.stringify(order);
  const options = { maxBuffer: 16 * 1024 * 1024, timeout: 240_000 };
  const { stdout } =
    from === 'host'
      ? await run(process.execPath, ['-e', program, argument], options)
      : await run(
          'lxc-attach',
          [
            '-n',
            boxes.container(from),
            '--clear-env',
            '--',
            '/opt/hotspare-node/bin/node',
            '-e',
            program,
            argument,
          ],
          options,
        );
  return JSON.parse(stdout) as Answered;
}

/** Has every box note which UDP ports of datagrams from `source` come through its firewall. */
export async function watchUdp(source: string): Promise<{ seen(): Promise<Answered> }> {
  const table = 'inet hotspare-test';
  const rules = `
    table ${table}
    delete table ${table}
    table ${table} {
      set seen { type inet_service; flags dynamic; size 65535; }
      chain input {
        type filter hook input priority filter + 10; policy accept;
        ip saddr ${source} ct state new meta l4proto udp update @seen { udp dport }
      }
    }`;
  const others = boxes.all().filter(({ address }) => address !== source);
  for (const { name } of others) await boxes.shell(name, `nft -f - <<'RULES'\n${rules}\nRULES`);
  return {
    async seen() {
      const found: Answered = {};
      for (const { name, address } of others) {
        const text = await boxes.shell(name, `nft -j list set ${table} seen; nft delete table ${table}`);
        const { nftables } = JSON.parse(text) as { nftables: { set?: { elem?: number[] } }[] };
        found[address] = (nftables.find(({ set }) => set)?.set?.elem ?? []).sort((a, b) => a - b);
      }
      return found;
    },
  };
}
