import { describe, expect, test } from 'vitest';
import { failureOf, parseUnit, processState, type Ran } from '../../../agent/systemd/systemctl.js';
import { SystemdManager } from '../../../agent/systemd/units.js';
import { ManualClock } from '../../fakes/manual-clock.js';

const unit = 'web.service';
const shown = (fields: Record<string, string | number> = {}) =>
  Object.entries({
    MainPID: 70,
    ControlPID: 0,
    LoadState: 'loaded',
    ActiveState: 'active',
    SubState: 'running',
    InvocationID: 'ab',
    ...fields,
  })
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
const ran = (more: Partial<Ran> = {}): Ran => ({
  exitCode: 0,
  stdout: '',
  stderr: '',
  timedOut: false,
  ...more,
});

describe('systemctl show', () => {
  test('a unit that runs, one that starts, one that is not there', () => {
    expect(parseUnit(unit, shown())).toEqual({
      known: true,
      activeState: 'active',
      subState: 'running',
      pid: 70,
      invocation: 'ab',
    });
    expect(parseUnit(unit, shown({ MainPID: 0, ControlPID: 71 })).pid).toBe(71);
    expect(parseUnit(unit, shown({ LoadState: 'not-found', ActiveState: 'inactive' })).known).toBe(false);
  });

  test.each([
    '',
    'garbage',
    shown({ ActiveState: 'dancing' }),
    shown({ MainPID: 'many' }),
    shown().replace(/LoadState.*\n/, ''),
  ])('%j is not systemd’s', (stdout) => {
    expect(() => parseUnit(unit, stdout)).toThrow(
      /systemctl show web.service answered what is not systemd's/,
    );
  });
});

test.each([
  [
    ran({ timedOut: true, exitCode: undefined as never }),
    'late',
    /did not end within 500 ms; systemd may still/,
  ],
  [
    ran({ exitCode: 1, stderr: 'Failed to start web.service: Interactive authentication required.\n' }),
    'refused',
    /a polkit rule must allow it for web.service/,
  ],
  [ran({ exitCode: 4, stderr: 'Failed to stop web.service: Access denied' }), 'refused', /polkit/],
  [
    ran({ exitCode: 5, stderr: 'Failed to start web.service: Unit web.service not found.' }),
    'unknown',
    /there is no unit web.service on this box/,
  ],
  [
    ran({
      exitCode: 1,
      stderr:
        "System has not been booted with systemd as init system (PID 1). Can't operate.\nFailed to connect to bus: Host is down",
    }),
    'unclear',
    /systemd cannot be asked on this box/,
  ],
  [
    ran({
      exitCode: 1,
      stderr: 'Job for web.service failed because the control process exited with error code.',
    }),
    'failed',
    /ended with 1: Job for web.service failed.*journalctl -u web.service/,
  ],
  [ran({ exitCode: undefined as never }), 'failed', /was ended by a signal: \(it said nothing\)/],
] as const)('%j is %s', (answer, kind, sentence) => {
  const error = failureOf(['start', unit], unit, answer, 500);
  expect(error.kind).toBe(kind);
  expect(error.message).toMatch(sentence);
});

test.each([
  ['7 (a) T 1 7 7', 'T'],
  ['7 (a (b) R) S 1', 'S'],
  ['', undefined],
  ['cat: /proc/7/stat: No such file', undefined],
])('%j: state %s', (stat, state) => {
  expect(processState(stat)).toBe(state);
});

describe('SystemdManager', () => {
  /** Answers of `systemctl show`, one after the other, the last one for good; everything else succeeds. */
  function manager(...shows: (string | Error)[]) {
    const calls: string[] = [];
    const clock = new ManualClock();
    const made = new SystemdManager({
      units: [unit],
      clock,
      run: async (program, args) => {
        calls.push([program, ...args].join(' ').replace('--no-ask-password --no-pager ', ''));
        if (program === 'cat') return ran({ stdout: '70 (web) S 1 70' });
        if (!args.includes('show')) return ran();
        const next = shows.length > 1 ? shows.shift()! : shows[0]!;
        if (next instanceof Error) throw next;
        return ran({ stdout: next });
      },
    });
    return { manager: made, calls, clock };
  }

  test.each([
    [shown(), { state: 'running', pid: 70 }],
    [shown({ ActiveState: 'inactive', MainPID: 0 }), { state: 'stopped' }],
    [shown({ ActiveState: 'failed', MainPID: 0 }), { state: 'failed' }],
    [shown({ ActiveState: 'activating', SubState: 'auto-restart', MainPID: 0 }), { state: 'failed' }],
    [
      shown({ ActiveState: 'activating', SubState: 'start-pre', MainPID: 0, ControlPID: 70 }),
      { state: 'running', pid: 70 },
    ],
  ])('%j', async (stdout, status) => {
    expect(await manager(stdout).manager.status(unit)).toEqual(status);
  });

  test('a unit it was not given is not even asked for', async () => {
    const { manager: made, calls } = manager(shown());
    await expect(made.stop('sshd.service')).rejects.toMatchObject({ kind: 'unknown' });
    expect(calls).toEqual([]);
  });

  test('orders are looked up first, then given', async () => {
    const { manager: made, calls } = manager(shown());
    await made.restart(unit);
    expect(calls).toEqual([
      expect.stringMatching(/^systemctl show .*web.service$/),
      'systemctl restart web.service',
    ]);
  });

  test('a kill waits for the end of that run, and takes a new run for the end of the old', async () => {
    const {
      manager: made,
      calls,
      clock,
    } = manager(shown(), shown(), shown({ InvocationID: 'cd', MainPID: 90 }));
    const killed = made.kill(unit);
    await clock.advance(1_000);
    await killed;
    expect(calls.filter((call) => call.includes('show'))).toHaveLength(3);
    expect(calls).toContain('systemctl kill --kill-whom=all --signal=SIGKILL web.service');
  });

  test('what SIGKILL does not end is told', async () => {
    const { manager: made, clock } = manager(shown());
    const killed = expect(made.kill(unit)).rejects.toThrow(/does not end even after SIGKILL \(pid 70\)/);
    await clock.advance(60_000);
    await killed;
  });

  test('no systemctl at all', async () => {
    const none = manager(Object.assign(new Error('spawn systemctl ENOENT'), { code: 'ENOENT' }));
    await expect(none.manager.status(unit)).rejects.toMatchObject({
      kind: 'unclear',
      message: 'systemctl cannot be run: there is no such program on this box',
    });
  });
});
