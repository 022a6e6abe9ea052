import { UserError } from '../../common/errors.js';

/** What systemd tells a unit of `Type=notify` about itself. */
export interface NotifySettings {
  /** Where datagrams go: an absolute path, or `@name` for an abstract socket. */
  readonly socket: string;
  /** It is ended unless it shows a sign of life within so many ms; absent: no watchdog. */
  readonly watchdogMs?: number;
  /** A sentence, when the settings will not do what whoever made them meant. */
  readonly remark?: string;
}

/** The variables that are for this process alone; a program it starts must not inherit them. */
export const notifyVariables = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'] as const;

/** The longest path a socket may have. */
const longestSocket = 107;

/** Undefined when nobody waits to be told. Throws UserError, exit code 2, when the environment makes no sense. */
export function notifySettings(
  environment: Readonly<Record<string, string | undefined>>,
  pid: number,
): NotifySettings | undefined {
  const socket = environment['NOTIFY_SOCKET'];
  if (!socket) return undefined;
  if (!/^[/@][^\n]+$/.test(socket) || Buffer.byteLength(socket) > longestSocket)
    refuse('NOTIFY_SOCKET', socket, 'an absolute path or @name, as systemd sets it');
  const limit = environment['WATCHDOG_USEC'];
  if (!limit || limit === '0') return { socket };
  if (!/^\d{1,15}$/.test(limit)) refuse('WATCHDOG_USEC', limit, 'microseconds, as systemd sets it');
  const meant = environment['WATCHDOG_PID'];
  if (meant && meant !== String(pid))
    return {
      socket,
      remark: `WATCHDOG_PID is ${meant} and this agent is ${pid}: the watchdog is not fed and will end the unit; let ExecStart= run the agent itself, or a script that ends in exec`,
    };
  return { socket, watchdogMs: Number(limit) / 1_000 };
}

function refuse(key: string, value: string, expected: string): never {
  throw new UserError(`${key} is ${JSON.stringify(value)}; expected ${expected}`, { exitCode: 2 });
}
