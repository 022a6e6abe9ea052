import { expect, test } from 'vitest';
import { helperLine } from '../../../agent/systemd/helper.js';
import { notifySettings } from '../../../agent/systemd/settings.js';

const socket = '/run/systemd/notify';

test.each([
  ['nobody waits', {}, undefined],
  ['an empty variable is none', { NOTIFY_SOCKET: '' }, undefined],
  ['no watchdog', { NOTIFY_SOCKET: socket }, { socket }],
  [
    'a watchdog of 30 s',
    { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '30000000' },
    { socket, watchdogMs: 30_000 },
  ],
  [
    'one for this process',
    { NOTIFY_SOCKET: '@x', WATCHDOG_USEC: '1000', WATCHDOG_PID: '7' },
    { socket: '@x', watchdogMs: 1 },
  ],
  ['a watchdog that is off', { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '0' }, { socket }],
  ['a watchdog without a socket', { WATCHDOG_USEC: '1000' }, undefined],
] as const)('%s', (_, environment, settings) => {
  expect(notifySettings(environment, 7)).toEqual(settings);
});

test('a watchdog that waits for another process is remarked on, not fed', () => {
  const settings = notifySettings({ NOTIFY_SOCKET: socket, WATCHDOG_USEC: '1000', WATCHDOG_PID: '8' }, 7);
  expect(settings?.watchdogMs).toBeUndefined();
  expect(settings?.remark).toMatch(/WATCHDOG_PID is 8 and this agent is 7.*exec/);
});

test.each([
  [{ NOTIFY_SOCKET: 'vsock:2:1' }, 'NOTIFY_SOCKET is "vsock:2:1"; expected an absolute path or @name'],
  [{ NOTIFY_SOCKET: `/${'x'.repeat(107)}` }, 'expected an absolute path or @name'],
  [{ NOTIFY_SOCKET: socket, WATCHDOG_USEC: '30s' }, 'WATCHDOG_USEC is "30s"; expected microseconds'],
])('%j is refused', (environment, message) => {
  expect(() => notifySettings(environment, 7)).toThrow(message);
});

test('a sentence cannot smuggle in another assignment', () => {
  expect(helperLine(['READY=1', 'STATUS=a\nWATCHDOG=1\tSTOPPING=1'])).toBe(
    'READY=1\tSTATUS=a WATCHDOG=1 STOPPING=1\n',
  );
});
