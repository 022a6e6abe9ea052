import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serverCounters, startConsulPair, type ConsulPair } from '../../../bench/herd/consul-pair.js';
import { Flock } from '../../../bench/herd/flock.js';
import { eventuallyMs } from '../../support/patience.js';
import { freePorts } from '../../support/ports.js';
import { waitFor } from '../../support/wait.js';

/** Many resolvers on one Consul agent that takes fewer connections than there are resolvers. */
const size = 50;
const maxConnections = 20;
const service = 'herd';
const [old, next] = [5_432, 5_433];

let consul: ConsulPair;
const flocks: Flock[] = [];
beforeAll(async () => {
  consul = await startConsulPair({ maxConnections, freePorts });
});
afterAll(async () => {
  for (const flock of flocks) flock.close();
  await consul?.stop();
});

const herd = async (own: Partial<Parameters<typeof Flock.start>[0]>) => {
  const flock = await Flock.start(
    { size, service, dns: consul.agent.dns, url: consul.agent.url, ...own },
    200,
  );
  flocks.push(flock);
  return flock;
};
const primaryIs = async (port: number) => {
  const one = { host: '10.0.0.1', port: old };
  await consul.register(service, 'a', 'primary', one, port === old ? 'passing' : 'critical');
  await consul.register(service, 'b', port === old ? 'replica' : 'primary', { host: '10.0.0.2', port: next });
};
const queries = async () => (await serverCounters(consul.server)).queries;
/** Until nobody has asked the servers anything for a while: what follows costs only what it costs. */
const quiet = () =>
  waitFor('the servers to be left alone', eventuallyMs, async () => {
    const before = await queries();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    return (await queries()) === before;
  });

describe('a herd', () => {
  test('within the limit: all are told, and the servers are asked as if it were one', async () => {
    await primaryIs(old);
    const few = maxConnections - 5;
    // Idle apps: on a slow machine a busy one would ask before it is told, and connect anew for that.
    const flock = await herd({ size: few, busy: false });
    await quiet();
    const before = await queries();
    const { toldMs, never } = await flock.changeOver(
      next,
      async () => {
        await primaryIs(next);
        return performance.now();
      },
      eventuallyMs,
    );
    expect(never).toBe(0);
    expect(toldMs.length).toBe(few);
    // Two changes of the catalogue: two answers, and the question after them. Not two for each.
    expect((await queries()) - before).toBeLessThan(few);
    expect(flock.complaints).toEqual([]);
    flock.close();
  });

  test('beyond it: those that are turned away ask DNS in trouble, and nobody complains', async () => {
    await primaryIs(old);
    const flock = await herd({});
    const { toldMs, askedMs, never } = await flock.changeOver(
      next,
      async () => {
        await primaryIs(next);
        return performance.now();
      },
      eventuallyMs,
    );
    expect(never).toBe(0);
    expect(toldMs.length + askedMs.length).toBe(size);
    expect(askedMs.length).toBeGreaterThan(0);
    expect(flock.complaints).toEqual([]);
    flock.close();
  });

  test('without HTTP at all: DNS alone', async () => {
    await primaryIs(old);
    const flock = await herd({ size: 10, url: null });
    const { never } = await flock.changeOver(
      next,
      async () => {
        await primaryIs(next);
        return performance.now();
      },
      eventuallyMs,
    );
    expect(never).toBe(0);
    expect(flock.complaints).toEqual([]);
    flock.close();
  });
});
