import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Below the ports that systems give out by themselves, to servers that ask for any and to every outgoing connection: a
 * port of theirs may be somebody else's by the time a server starts on it, or starts again. Each worker of a test run
 * has a slice of its own.
 */
const range = { from: 20_000, slice: 1_500, slices: 8 };
const first = range.from + range.slice * (Number(process.env['VITEST_POOL_ID'] ?? 0) % range.slices);
const given = new Set<number>();

/** `n` TCP ports that nobody uses on `host`; no two calls in one test file give the same. */
export async function freePorts(n: number, host = '127.0.0.1'): Promise<number[]> {
  const found: number[] = [];
  for (let tries = 0; found.length < n; tries++) {
    if (tries > range.slice) throw new Error(`no ${n} free ports on ${host} from ${first} on`);
    const port = first + randomInt(range.slice);
    if (given.has(port) || !(await isFree(port, host))) continue;
    given.add(port);
    found.push(port);
  }
  return found;
}

function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}
