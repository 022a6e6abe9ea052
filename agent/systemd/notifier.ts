import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { backoffMs } from '../../common/backoff.js';
import { withDeadline, type Clock, type Timer } from '../../common/clock.js';
import { codeOf, messageOf, UserError } from '../../common/errors.js';
import type { Random } from '../../common/random.js';
import type { Log } from '../../common/runtime/log.js';
import type { Notifier } from '../ports.js';
import { helperLine, helperScript } from './helper.js';
import type { NotifySettings } from './settings.js';

/** How long the helper may take to be there, and to end, in ms. */
const helperMs = 5_000;
const retry = { baseMs: 200, maxMs: 5_000 };
/** A helper that lived so long, in ms, did not end for a reason that its successor shares. */
const longLifeMs = 60_000;
/** More than that waiting for a helper that does not read is dropped, in bytes. */
const mostWaiting = 16 * 1024;

export interface NotifierOptions {
  readonly settings: NotifySettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Default `perl`. */
  readonly program?: string;
  /** Where programs are looked for. */
  readonly path: string;
}

/** Speaks systemd's notification protocol through one helper that is started again whenever it ends. */
export class SystemdNotifier implements Notifier {
  readonly watchdogMs: number | undefined;
  private helper: ChildProcessWithoutNullStreams | undefined;
  private startedMs = 0;
  private failures = 0;
  private retryTimer: Timer | undefined;
  private state: 'starting' | 'started' | 'closed' = 'starting';
  private complaint = '';
  /** What a new helper says again: its predecessor may have ended before it passed it on. */
  private readonly standing = new Map<string, string>();

  private constructor(private readonly options: NotifierOptions) {
    this.watchdogMs = options.settings.watchdogMs;
  }

  /** Resolves once the helper is there. Rejects with a UserError when there can be none. */
  static async start(options: NotifierOptions): Promise<SystemdNotifier> {
    const notifier = new SystemdNotifier(options);
    try {
      await withDeadline(options.clock, helperMs, 'its helper', () => notifier.launch());
      notifier.state = 'started';
    } catch (error) {
      await notifier.close();
      const program = options.program ?? 'perl';
      const why = codeOf(error) === 'ENOENT' ? `there is no ${program} on this box` : messageOf(error);
      throw new UserError(
        `NOTIFY_SOCKET is set, so systemd waits to hear from this agent, but it cannot be told: ${why}; install the package perl-base, or run the agent in a unit that is not of Type=notify`,
        { cause: error },
      );
    }
    return notifier;
  }

  ready(): void {
    this.say('READY=1', true);
  }

  status(sentence: string): void {
    this.say(`STATUS=${sentence}`, true);
  }

  stopping(): void {
    this.say('STOPPING=1', true);
  }

  alive(): void {
    this.say('WATCHDOG=1', false);
  }

  async close(): Promise<void> {
    this.state = 'closed';
    this.retryTimer?.cancel();
    const { helper } = this;
    if (!helper || helper.exitCode !== null || helper.signalCode !== null || helper.pid === undefined) return;
    const ended = new Promise((resolve) => helper.once('close', resolve));
    helper.stdin.end();
    await withDeadline(this.options.clock, helperMs, 'the end of the helper', () => ended).catch(() =>
      helper.kill('SIGKILL'),
    );
  }

  private say(assignment: string, stands: boolean): void {
    if (stands) this.standing.set(assignment.split('=')[0]!, assignment);
    this.send([assignment]);
  }

  private send(assignments: readonly string[]): void {
    const stdin = this.helper?.stdin;
    if (!stdin?.writable || stdin.writableLength > mostWaiting) return;
    stdin.write(helperLine(assignments));
  }

  /** Resolves once the helper has said that it is there. */
  private launch(): Promise<void> {
    const { clock, path, program, settings } = this.options;
    return new Promise((resolve, reject) => {
      const helper = spawn(program ?? 'perl', ['-e', helperScript], {
        cwd: '/',
        env: { NOTIFY_SOCKET: settings.socket, PATH: path, LC_ALL: 'C' },
        stdio: 'pipe',
      });
      this.helper = helper;
      this.startedMs = clock.nowMs();
      let said = '';
      helper.stdin.on('error', () => {
        // It ended, which is told below.
      });
      helper.stdout.once('data', () => resolve());
      helper.stderr.on('data', (chunk: Buffer) => {
        said = (said + chunk.toString('utf8')).slice(-500);
        const [line] = said.trim().split('\n').slice(-1);
        this.complain(`systemd was not told something: ${line}`);
      });
      let failure: Error | undefined;
      helper.once('error', (error) => (failure = error));
      helper.once('close', (code, signal) => {
        failure ??= new Error(
          `the helper ended with ${signal ?? `status ${code}`}${said ? `: ${said.trim()}` : ''}`,
        );
        reject(failure);
        this.ended(failure, helper);
      });
    });
  }

  private ended(why: Error, helper: ChildProcessWithoutNullStreams): void {
    if (this.state !== 'started' || this.helper !== helper) return;
    const { clock, random } = this.options;
    this.helper = undefined;
    if (clock.nowMs() - this.startedMs > longLifeMs) this.failures = 0;
    const waitMs = backoffMs(this.failures++, retry, random);
    this.complain(`systemd cannot be told anything: ${messageOf(why)}; the helper is started again`);
    this.retryTimer = clock.after(waitMs, () => {
      this.launch().then(
        () => this.again(),
        () => {
          // `ended` has seen to it.
        },
      );
    });
  }

  private again(): void {
    this.complaint = '';
    this.options.log.info('systemd can be told again');
    this.send([...this.standing.values()]);
  }

  private complain(sentence: string): void {
    if (sentence === this.complaint) return;
    this.complaint = sentence;
    this.options.log.warn(sentence);
  }
}
