import { write, writeSync } from 'node:fs';

/** More than this is not kept while the output is stuck, in characters. */
const maxQueued = 1_000_000;
const retryMs = 100;

/**
 * Where a daemon's log lines go: a file descriptor, written in the background. Lines that cannot be written (full disk,
 * closed pipe) are dropped, and those that follow while it is stuck too: logging never stops the daemon, never makes it
 * wait, and never keeps it from ending.
 */
export class LogOutput {
  private queued = '';
  private writing = false;
  private dropped = 0;

  constructor(private readonly fd = 1) {
    process.once('exit', () => this.flushOnce());
  }

  write(line: string): void {
    if (this.queued.length + line.length > maxQueued) {
      this.dropped++;
      return;
    }
    if (this.dropped > 0) {
      this.queued += `{"level":"warn","msg":"${this.dropped} log lines were dropped: the output could not take them"}\n`;
      this.dropped = 0;
    }
    this.queued += line;
    if (this.writing) return;
    this.writing = true;
    // Not at once: what is said right before the process ends is still queued then, and `flushOnce` writes it.
    setImmediate(() => this.next());
  }

  private next(): void {
    const bytes = Buffer.from(this.queued);
    this.queued = '';
    this.push(bytes, 0);
  }

  private push(bytes: Buffer, from: number): void {
    write(this.fd, bytes, from, bytes.length - from, null, (error, written) => {
      if (error?.code === 'EAGAIN') return void setTimeout(() => this.push(bytes, from), retryMs).unref();
      if (error) this.dropped++;
      else if (from + written < bytes.length) return this.push(bytes, from + written);
      if (this.queued !== '') this.next();
      else this.writing = false;
    });
  }

  /** What is still queued when the process ends: one attempt. */
  private flushOnce(): void {
    if (this.queued === '') return;
    try {
      writeSync(this.fd, this.queued);
    } catch {
      // There is nowhere left to say it.
    }
  }
}
