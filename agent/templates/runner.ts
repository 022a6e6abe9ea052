import { backoffMs } from '../../common/backoff.js';
import type { Clock, Timer } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import type { Random } from '../../common/random.js';
import type { Log } from '../../common/runtime/log.js';
import { compileTemplate, type Template } from '../../common/template.js';
import type { TemplateConfig } from '../config.js';
import type { Instance } from '../ports.js';
import { runCommand } from './command.js';
import { PendingMark, readIfThere, replaceFile } from './files.js';
import { describeChange, type Used } from './instances.js';
import type { Watches } from './watches.js';

/** Changes come in bursts: rendered when none came for `quietMs`, and no later than `atMostMs` after the first. */
const burst = { quietMs: 50, atMostMs: 250 };
const retry = { baseMs: 1_000, maxMs: 30_000 };

export interface RunnerOptions {
  readonly template: TemplateConfig;
  /** The template's text. */
  readonly source: string;
  /** What the template may use besides the helper `service`. */
  readonly context: { readonly box: string; readonly address: string };
  readonly stateDir: string;
  readonly commandTimeoutMs: number;
  readonly watches: Watches;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Keeps one file as its template says, and runs the command when, and only when, the file's content changed. */
export class TemplateRunner {
  private readonly compiled: Template;
  private readonly mark: PendingMark;
  /** What the last complete rendering gave. */
  private wanted: { readonly text: string; readonly used: Used } | undefined;
  private written: { readonly text: string; readonly used: Used | undefined } | undefined;
  private commandDue = false;
  private firstChangeMs: number | undefined;
  private debounce: Timer | undefined;
  private retryTimer: Timer | undefined;
  private failures = 0;
  private working = false;
  // What the rendering under way asked for.
  private used = new Map<string, readonly Instance[]>();
  private incomplete = false;

  /** Throws when the template does not compile. */
  constructor(private readonly options: RunnerOptions) {
    this.compiled = compileTemplate(options.source, {
      service: (name: unknown, call: { hash?: Record<string, unknown> }) => this.ask(name, call?.hash ?? {}),
    });
    this.mark = new PendingMark(options.stateDir, options.template.destination);
  }

  start(): void {
    this.render();
  }

  stop(): void {
    this.debounce?.cancel();
    this.retryTimer?.cancel();
  }

  private changed(): void {
    const { clock, signal } = this.options;
    if (signal.aborted) return;
    const nowMs = clock.nowMs();
    this.firstChangeMs ??= nowMs;
    const waitMs = Math.min(burst.quietMs, this.firstChangeMs + burst.atMostMs - nowMs);
    this.debounce?.cancel();
    this.debounce = clock.after(Math.max(0, waitMs), () => {
      this.firstChangeMs = undefined;
      this.render();
    });
  }

  private ask(name: unknown, hash: Record<string, unknown>): readonly Instance[] {
    if (typeof name !== 'string' || name === '') throw new Error('service needs the name of a service');
    const { tag } = hash;
    if (tag !== undefined && typeof tag !== 'string') throw new Error('tag of service must be a text');
    const all = this.options.watches.get(name, this.onChange);
    if (!all) this.incomplete = true;
    const instances = (all ?? []).filter((instance) => tag === undefined || instance.tags.includes(tag));
    this.used.set(tag === undefined ? name : `${name} (${tag})`, instances);
    return instances;
  }

  private readonly onChange = () => this.changed();

  private render(): void {
    const { context, log, template } = this.options;
    this.used = new Map();
    this.incomplete = false;
    let text: string;
    try {
      text = this.compiled(context);
    } catch (error) {
      log.error(
        `${template.source}: cannot be rendered: ${messageOf(error)}; ${template.destination} stays as it is`,
      );
      return;
    }
    if (this.incomplete) return;
    this.wanted = { text, used: this.used };
    void this.work();
  }

  /** Brings file and command up to what is wanted; one at a time, again when more was wanted meanwhile. */
  private async work(): Promise<void> {
    if (this.working) return;
    this.working = true;
    this.retryTimer?.cancel();
    try {
      while (!this.options.signal.aborted && (await this.step()));
    } finally {
      this.working = false;
    }
  }

  /** One step; whether another may follow at once. */
  private async step(): Promise<boolean> {
    const { template, log, clock, commandTimeoutMs, signal } = this.options;
    const { wanted } = this;
    if (!wanted) return false;
    try {
      this.written ??= await this.readWritten();
      if (this.written.text !== wanted.text) {
        await this.mark.set();
        await replaceFile(template.destination, wanted.text);
        log.info(`${template.destination}: rendered; ${describeChange(this.written.used, wanted.used)}`);
        this.commandDue = true;
        this.failures = 0;
      }
      this.written = wanted;
    } catch (error) {
      this.later(`${template.destination}: cannot be written: ${messageOf(error)}`);
      return false;
    }
    if (!this.commandDue) return false;
    const problem = template.command
      ? await runCommand(template.command, { clock, deadlineMs: commandTimeoutMs, signal })
      : undefined;
    if (signal.aborted) return false;
    if (problem !== undefined && this.wanted === wanted) {
      this.later(problem);
      return false;
    }
    if (problem === undefined) {
      this.commandDue = false;
      this.failures = 0;
      await this.mark.clear();
    }
    return this.wanted !== wanted;
  }

  /** What an earlier run of the agent left. */
  private async readWritten(): Promise<{ text: string; used: undefined }> {
    this.commandDue = await this.mark.isSet();
    const text = await readIfThere(this.options.template.destination);
    // No file differs from every text, the empty one too.
    return { text: text ?? '\0', used: undefined };
  }

  private later(problem: string): void {
    const { clock, log, random } = this.options;
    const waitMs = backoffMs(this.failures++, retry, random);
    log.error(`${problem}; trying again in ${Math.ceil(waitMs / 1000)} s`);
    this.retryTimer = clock.after(waitMs, () => void this.work());
  }
}
