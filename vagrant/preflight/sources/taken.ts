import { connect } from 'node:net';
import type { Clock } from '../../../common/clock.js';
import { networkTroubleOf } from '../../../common/network-error.js';
import { contains } from '../ipv4.js';
import type { NetworkInterface, Plan, TakenAddress } from '../model.js';
import { textOf } from './files.js';
import { ask, type Environment } from './programs.js';

const answerWithinMs = 600;

/**
 * Which addresses of boxes that do not exist answer already. Asked are only those that lie behind one of this machine's
 * own interfaces: whatever a gateway sends on is nobody's in the boxes' network.
 */
export async function gatherTaken(
  plan: Plan,
  interfaces: readonly NetworkInterface[],
  environment: Environment,
  clock: Clock,
  port = 22,
): Promise<TakenAddress[]> {
  const near = plan.boxes.filter(
    ({ address, exists }) =>
      !exists && interfaces.some(({ addresses }) => addresses.some((own) => contains(own, address))),
  );
  if (near.length === 0) return [];
  // An entry from before may be that of a box destroyed a moment ago.
  const known = await neighbours();
  const answers = await Promise.all(
    near.map(async ({ address }) => {
      const [tcp, ping] = await Promise.all([
        tcpAnswer(address, port, clock),
        pingAnswer(address, environment),
      ]);
      return { address, how: tcp ?? ping };
    }),
  );
  const now = await neighbours();
  return answers.flatMap(({ address, how }) => {
    const mac = now.get(address);
    const said = how ?? (mac === undefined || known.has(address) ? undefined : 'answers to ARP');
    return said === undefined ? [] : [{ address, how: said, mac }];
  });
}

async function neighbours(): Promise<Map<string, string>> {
  return neighboursFrom((await textOf('/proc/net/arp')) ?? '');
}

function tcpAnswer(host: string, port: number, clock: Clock): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const deadline = clock.after(answerWithinMs, () => end(undefined));
    const end = (answer: string | undefined) => {
      deadline.cancel();
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(`accepts connections to port ${port}`));
    socket.once('error', (error) =>
      end(networkTroubleOf(error) === 'refused' ? `refuses connections to port ${port}` : undefined),
    );
  });
}

async function pingAnswer(host: string, environment: Environment): Promise<string | undefined> {
  // Windows' ping also ends with 0 when a router says that nobody is there.
  if (process.platform === 'win32') return undefined;
  const result = await ask('ping', ['-n', '-c', '1', host], environment, answerWithinMs);
  return result?.exitCode === 0 ? 'answers to ping' : undefined;
}

/** Reads /proc/net/arp: flag 2 is a complete entry; entries nobody answered to have none. */
export function neighboursFrom(table: string): Map<string, string> {
  return new Map(
    table
      .split('\n')
      .slice(1)
      .map((line) => line.split(/\s+/))
      .filter(([address, , flags, mac]) => address && mac && (Number.parseInt(flags ?? '0', 16) & 2) === 2)
      .map(([address, , , mac]) => [address as string, mac as string]),
  );
}
