import { withDeadline } from '../../common/clock.js';
import { systemClock } from '../../common/runtime/clock.js';
import { whyOf } from '../../status/index.js';
import type { Message } from '../../status/index.js';
import { runCommand } from '../../common/runtime/machine/command.js';
import type { Outlet } from './outlet.js';

/** A program may take so long, and a web hook, in ms. */
const commandMs = 30_000;
const hookMs = 5_000;

/** One line, as a person reads it. */
export const lineOf = ({ service, state, severity, cause, next }: Message): string =>
  state === 'resolved'
    ? `${service}: resolved: ${cause}`
    : `${service}: ${severity}: ${cause}${next ? ` What to do: ${next}` : ''}`;

/** The program's only argument is the message as JSON; its parts stand in the environment as well. */
export const commandOutlet = (program: string): Outlet => ({
  name: `--command ${program}`,
  async send(message, signal) {
    const { exitCode, stderr, timedOut } = await runCommand(program, [JSON.stringify(message)], {
      environment: {
        HOTSPARE_ALERT_SERVICE: message.service,
        HOTSPARE_ALERT_ID: message.id,
        HOTSPARE_ALERT_STATE: message.state,
        HOTSPARE_ALERT_SEVERITY: message.severity,
        HOTSPARE_ALERT_TEXT: lineOf(message),
      },
      timeoutMs: commandMs,
      signal,
    });
    if (exitCode === 0) return;
    const said = stderr.trim().slice(-200);
    throw new Error(
      timedOut
        ? `did not end within ${commandMs} ms`
        : `ended with ${exitCode ?? 'a signal'}${said ? `: ${said}` : ''}`,
    );
  },
});

/** `text` is what chat programs show. */
export const hookOutlet = (url: string): Outlet => ({
  name: `--webhook ${new URL(url).origin}`,
  async send(message, signal) {
    let response: Response;
    try {
      response = await withDeadline(
        systemClock,
        hookMs,
        'the web hook',
        (within) =>
          fetch(url, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ text: lineOf(message), ...message }),
            redirect: 'error',
            signal: within,
          }),
        signal,
      );
      await response.body?.cancel();
    } catch (error) {
      throw new Error(whyOf(error, hookMs), { cause: error });
    }
    if (!response.ok) throw new Error(`answers ${response.status}`);
  },
});
