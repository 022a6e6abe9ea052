import { beforeEach, describe, expect, test } from 'vitest';
import { DownError, OutcomeUnknownError } from '../../../sidecar/index.js';
import { silentAfter, StallingProxy } from '../../fakes/stalling-proxy.js';
import { failure, onlyBareIsStuck, port, success, trouble } from './setup.js';

/** Servers that keep to TCP and not to the protocol, and networks that swallow what was sent. */
const on = trouble();

describe('a peer with bad manners', () => {
  let proxy: StallingProxy;
  beforeEach(async () => {
    proxy = await StallingProxy.before(on.pair.primary);
    // Before the pools are ended: what hangs on it is let go.
    on.after(() => proxy.close());
  });

  test('accepts connections and never answers the start-up packet', async () => {
    proxy.fault = { kind: 'silent' };
    const ours = on.ourPool([proxy, on.pair.standby]);
    expect(success(await onlyBareIsStuck(port(on.barePool(proxy)), port(ours)))).toBe(on.pair.standby.port);
    const alone = on.ourPool([proxy]);
    expect(failure(await onlyBareIsStuck(port(on.barePool(proxy)), port(alone)))).toBeInstanceOf(DownError);
    const [bare, client] = [on.bareClient(proxy), on.ourClient([proxy])];
    expect(failure(await onlyBareIsStuck(bare.connect(), client.connect()))).toBeInstanceOf(DownError);
    await client.end();
  });

  test.each([1, 9, 30, 300])('logs in for %i bytes, and stops', async (afterBytes) => {
    proxy.fault = { kind: 'stall', afterBytes };
    const ours = on.ourPool([proxy, on.pair.standby]);
    expect(success(await onlyBareIsStuck(port(on.barePool(proxy)), port(ours)))).toBe(on.pair.standby.port);
  });

  test('never answers the request for SSL', async () => {
    proxy.fault = { kind: 'silent' };
    const ssl = { rejectUnauthorized: false };
    const ours = on.ourPool([proxy], { ssl });
    expect(failure(await onlyBareIsStuck(port(on.barePool(proxy, { ssl })), port(ours)))).toBeInstanceOf(
      DownError,
    );
  });

  test('agrees to SSL and does not go on', async () => {
    const ssl = { rejectUnauthorized: false };
    const speaker = await silentAfter('S');
    on.after(() => speaker.close());
    const ours = on.ourPool([speaker.target], { ssl });
    expect(
      failure(await onlyBareIsStuck(port(on.barePool(speaker.target, { ssl })), port(ours))),
    ).toBeInstanceOf(DownError);
  });

  test.each([1, 9, 30, 300])('closes the connection %i bytes into the log-in', async (afterBytes) => {
    proxy.fault = { kind: 'close', afterBytes };
    await expect(port(on.barePool(proxy))).rejects.toThrow('Connection terminated unexpectedly');
    expect(await port(on.ourPool([proxy, on.pair.standby]))).toBe(on.pair.standby.port);
    const error = await port(on.ourPool([proxy])).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DownError);
  });

  test.each([3, 40, 5_000])('sends %i bytes of an answer, and stops', async (afterBytes) => {
    const [bare, ours] = [on.barePool(proxy), on.ourPool([proxy, on.pair.standby])];
    await Promise.all([bare.query('SELECT 1'), on.bothProven(ours)]);
    proxy.fault = { kind: 'stall', afterBytes };
    const long = "SELECT repeat('x', 100000)";
    expect(failure(await onlyBareIsStuck(bare.query(long), ours.query(long)))).toBeInstanceOf(
      OutcomeUnknownError,
    );
    expect(await port(ours)).toBe(on.pair.standby.port);
  });
});
