import { ServiceManagerError } from '../../common/service-manager.js';

/** What a program that was run answered. `exitCode` is undefined when a signal ended it. */
export interface Ran {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

/** The properties of a unit that are asked for. */
export const unitProperties = [
  'LoadState',
  'ActiveState',
  'SubState',
  'MainPID',
  'ControlPID',
  'InvocationID',
] as const;

/** What systemd says of a unit. */
export interface UnitFacts {
  /** False: systemd has no such unit. */
  readonly known: boolean;
  readonly activeState: (typeof activeStates)[number];
  readonly subState: string;
  /** The main process, or the one that starts or stops it now; 0: none. */
  readonly pid: number;
  /** Names one run of the unit; empty when it never ran. */
  readonly invocation: string;
}

const activeStates = [
  'active',
  'reloading',
  'inactive',
  'failed',
  'activating',
  'deactivating',
  'maintenance',
  'refreshing',
] as const;

/** Reads the answer of `systemctl show`. Throws a ServiceManagerError on anything that is not systemd's. */
export function parseUnit(unit: string, stdout: string): UnitFacts {
  const fields = new Map(
    stdout.split('\n').flatMap((line): [string, string][] => {
      const [, key, value] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? [];
      return key === undefined || value === undefined ? [] : [[key, value]];
    }),
  );
  const unclear = (): never => {
    throw new ServiceManagerError(
      'unclear',
      `systemctl show ${unit} answered what is not systemd's: ${JSON.stringify(stdout.slice(0, 200))}`,
    );
  };
  const field = (key: (typeof unitProperties)[number]) => fields.get(key) ?? unclear();
  const pid = (key: 'MainPID' | 'ControlPID') => {
    // Only kinds of unit that have processes have these.
    const text = fields.get(key) ?? '0';
    return /^\d{1,10}$/.test(text) ? Number(text) : unclear();
  };
  const activeState = activeStates.find((state) => state === field('ActiveState')) ?? unclear();
  return {
    known: field('LoadState') !== 'not-found',
    activeState,
    subState: field('SubState'),
    pid: pid('MainPID') || pid('ControlPID'),
    invocation: fields.get('InvocationID') ?? '',
  };
}

/** Which process state letter `/proc/PID/stat` tells; undefined when the text is no such line. */
export function processState(stat: string): string | undefined {
  // The name stands in parentheses and may itself hold some.
  return /^\s*\d+ \(.*\) ([A-Za-z])/s.exec(stat)?.[1];
}

/** The sentence for a `systemctl` that did not succeed. */
export function failureOf(args: readonly string[], unit: string, ran: Ran, deadlineMs: number) {
  const command = `systemctl ${args.join(' ')}`;
  const said = `${ran.stderr}\n${ran.stdout}`.trim().replace(/\s+/g, ' ').slice(0, 400);
  const error = (kind: ServiceManagerError['kind'], sentence: string) =>
    new ServiceManagerError(kind, sentence);
  if (ran.timedOut)
    return error(
      'late',
      `${command} did not end within ${deadlineMs} ms; systemd may still carry it out: see "systemctl status ${unit}"`,
    );
  if (/not been booted with systemd|Failed to connect to (system )?bus|Failed to get D-Bus/i.test(said))
    return error('unclear', `${command}: systemd cannot be asked on this box: ${said}`);
  if (/interactive authentication required|access denied|not authori[sz]ed|permission denied/i.test(said))
    return error(
      'refused',
      `systemd does not let this user do "${command}": a polkit rule must allow it for ${unit} (${said})`,
    );
  if (/unit .*(not found|could not be found|not loaded)|not-found/i.test(said))
    return error('unknown', `there is no unit ${unit} on this box (${said})`);
  const ending = ran.exitCode === undefined ? 'was ended by a signal' : `ended with ${ran.exitCode}`;
  return error(
    'failed',
    `${command} ${ending}: ${said || '(it said nothing)'}; "journalctl -u ${unit}" may tell more`,
  );
}
