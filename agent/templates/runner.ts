import { assertNever } from '../../common/assert-never.js';
import { backoffMs } from '../../common/backoff.js';
import type { TemplateStatus } from '../../common/agent/status.js';
import type { Clock, Timer } from '../../common/clock.js';
import { isFault, messageOf } from '../../common/errors.js';
import type { Random } from '../../common/random.js';
import type { Log } from '../../common/runtime/log.js';
import type { TemplateConfig } from '../config.js';
import { describeChange, type Used } from '../core/catalogue/instances.js';
import { afterRun, afterWrite, failureText, nextStep, type FileState } from '../core/rollback.js';
import { runCommand } from './command.js';
import { readIfThere, replaceRendered } from './files.js';
import { PendingMark, WrittenNote } from './notes.js';
import { Renderer, type Rendering } from './renderer.js';
import type { Watches } from './watches.js';

/** Changes come in bursts: rendered when none came for `quietMs`, and no later than `atMostMs` after the first. */
const burst = { quietMs: 50, atMostMs: 250 };
const retry = { baseMs: 1_000, maxMs: 30_000 };
/** While the file's reader is down: what it starts with is old, so the new text must come soon after. */
const retryWhileDown = { baseMs: 1_000, maxMs: 5_000 };

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
  private readonly renderer: Renderer;
  private readonly mark: PendingMark;
  private readonly note: WrittenNote;
  /** What the last complete rendering gave. */
  private rendering: Rendering | undefined;
  private file: Omit<FileState, 'wanted'> | undefined;
  /** What stands in the file, by question. */
  private written: Used | undefined;
  private noted: Rendering | undefined;
  /** Why it cannot be rendered, or the file not be written. */
  private trouble: string | undefined;
  private told: string | undefined;
  private firstChangeMs: number | undefined;
  private debounce: Timer | undefined;
  private retryTimer: Timer | undefined;
  private diskFailures = 0;
  private working = false;

  /** Throws when the template does not compile. */
  constructor(private readonly options: RunnerOptions) {
    const { context, source, stateDir, template, watches } = options;
    const { destination, format } = template;
    this.renderer = new Renderer({ source, context, format, watches, onChange: () => this.changed() });
    this.mark = new PendingMark(stateDir, destination);
    this.note = new WrittenNote(stateDir, destination);
  }

  start(): void {
    void this.remember().finally(() => this.render());
  }

  stop(): void {
    this.debounce?.cancel();
    this.retryTimer?.cancel();
  }

  status(): TemplateStatus {
    const { template, watches } = this.options;
    const { rendering, file, trouble } = this;
    const failure = file?.failure;
    const detail = trouble ?? (failure && failureText(failure));
    const doubted = [...(rendering?.listed.keys() ?? [])].flatMap((service) => watches.doubts(service));
    return {
      destination: template.destination,
      state: detail !== undefined ? 'failing' : rendering ? 'current' : 'waiting',
      ...(detail === undefined ? {} : { detail }),
      ...(rendering && rendering.leftOut.length > 0 ? { leftOut: rendering.leftOut } : {}),
      ...(doubted.length > 0 ? { doubted } : {}),
    };
  }

  /** A file that this agent wrote tells who was listed: whoever is missing in Consul's first answer is doubted. */
  private async remember(): Promise<void> {
    const text = await readIfThere(this.options.template.destination).catch(() => undefined);
    const listed = text === undefined ? undefined : await this.note.read(text);
    for (const [service, instances] of listed ?? []) this.options.watches.remember(service, instances);
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

  private render(): void {
    const { log, signal, template } = this.options;
    if (signal.aborted) return;
    let rendering: Rendering | undefined;
    try {
      rendering = this.renderer.render();
    } catch (error) {
      this.complain(
        `${template.source}: cannot be rendered: ${messageOf(error)}; ${template.destination} stays as it is`,
      );
      return;
    }
    if (!rendering) return;
    this.trouble = undefined;
    const before = new Set(this.rendering?.leftOut);
    for (const one of rendering.leftOut) if (!before.has(one)) log.warn(one);
    this.rendering = rendering;
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
    const { clock, template } = this.options;
    const { rendering } = this;
    if (!rendering) return false;
    try {
      this.file ??= await this.readFile();
      const step = nextStep({ ...this.file, wanted: rendering.text }, clock.nowMs());
      switch (step.kind) {
        case 'nothing':
          if (this.noted !== rendering)
            await this.note.write(rendering.text, (this.noted = rendering).listed);
          return this.rendering !== rendering;
        case 'wait':
          this.later(step.untilMs - clock.nowMs());
          return false;
        case 'write':
          await this.write(step.text, rendering);
          return true;
        case 'run':
          return await this.run(rendering);
        default:
          return assertNever(step);
      }
    } catch (error) {
      if (isFault(error)) throw error;
      this.complain(`${template.destination}: cannot be written: ${messageOf(error)}; trying again`);
      this.later(backoffMs(this.diskFailures++, retry, this.options.random));
      return false;
    }
  }

  private async write(text: string, rendering: Rendering): Promise<void> {
    const { log, template } = this.options;
    const file = this.file!;
    await this.mark.set(file.good);
    await replaceRendered(template.destination, text);
    this.diskFailures = 0;
    this.trouble = undefined;
    this.file = afterWrite({ ...file, wanted: rendering.text }, text);
    if (text === rendering.text) {
      if (file.failure?.text !== text)
        log.info(`${template.destination}: rendered; ${describeChange(this.written, rendering.used)}`);
      this.written = rendering.used;
      await this.note.write(text, (this.noted = rendering).listed);
    }
  }

  private async run(rendering: Rendering): Promise<boolean> {
    const { template, clock, commandTimeoutMs, random, signal, log } = this.options;
    const why = template.command
      ? await runCommand(template.command, { clock, deadlineMs: commandTimeoutMs, signal })
      : undefined;
    if (signal.aborted) return false;
    const pause = (count: number, readerDown: boolean) =>
      backoffMs(count - 1, readerDown ? retryWhileDown : retry, random);
    const before = this.file!;
    const file = afterRun({ ...before, wanted: rendering.text }, why, clock.nowMs(), pause);
    this.file = file;
    if (file.proven) await this.mark.clear();
    if (!file.failure && before.failure) log.info(`${template.destination}: its command works again`);
    if (!file.failure) this.told = undefined;
    // Whether the text is to blame is known only after the next step.
    else if (file.failure.goodText !== 'due') this.tell(failureText(file.failure));
    return true;
  }

  /** What an earlier run of the agent left. */
  private async readFile(): Promise<Omit<FileState, 'wanted'>> {
    const pending = await this.mark.read();
    const disk = await readIfThere(this.options.template.destination);
    return { disk, proven: !pending, good: pending ? pending.good : disk, failure: undefined };
  }

  private complain(trouble: string): void {
    this.trouble = trouble;
    this.tell(trouble);
  }

  /** Once, as long as it is the same. */
  private tell(problem: string): void {
    if (problem === this.told) return;
    this.told = problem;
    this.options.log.error(problem);
  }

  private later(waitMs: number): void {
    this.retryTimer?.cancel();
    this.retryTimer = this.options.clock.after(Math.max(0, waitMs), () => void this.work());
  }
}
