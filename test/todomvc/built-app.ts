import { build } from 'esbuild';
import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventuallyMs } from '../support/patience.js';
import { waitFor } from '../support/wait.js';

const root = new URL('../..', import.meta.url).pathname;
const rooms = ['todomvc', 'sidecar', 'common'];

/** The app as it will run, transpiled into a folder of its own, so that no half-finished build disturbs the test. */
export class BuiltApp {
  readonly #running = new Set<AppProcess>();
  private constructor(readonly folder: string) {}

  static async build(): Promise<BuiltApp> {
    const folder = mkdtempSync(join(tmpdir(), 'hotspare-todomvc-'));
    const sources = rooms.flatMap((room) =>
      readdirSync(join(root, room), { recursive: true })
        .map((file) => join(root, room, String(file)))
        .filter((file) => file.endsWith('.ts')),
    );
    await build({
      entryPoints: sources,
      outdir: folder,
      outbase: root,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      logLevel: 'silent',
    });
    for (const part of ['public', 'migrations'])
      cpSync(join(root, 'todomvc', part), join(folder, 'todomvc', part), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    return new BuiltApp(folder);
  }

  /** Starts it with exactly this environment, and a cache of its own. */
  spawn(env: Record<string, string>): AppProcess {
    const child = spawn(process.execPath, [join(this.folder, 'todomvc/main.js')], {
      cwd: '/',
      env: {
        PATH: process.env['PATH'] ?? '',
        CACHE_DIRECTORY: join(this.folder, 'cache'),
        PORT: '0',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const app = new AppProcess(child);
    this.#running.add(app);
    return app;
  }

  async start(env: Record<string, string>): Promise<AppProcess> {
    const app = this.spawn(env);
    await app.listening();
    return app;
  }

  /** Ends whatever a test left running. */
  async stopAll(): Promise<void> {
    await Promise.all([...this.#running].map((app) => app.end('SIGKILL')));
    this.#running.clear();
  }

  async remove(): Promise<void> {
    await this.stopAll();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export class AppProcess {
  stdout = '';
  stderr = '';
  readonly exited: Promise<number | null>;

  constructor(private readonly child: ChildProcess) {
    child.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.exited = new Promise((resolve) => child.on('close', (code) => resolve(code)));
  }

  /** Its log lines so far. */
  get log(): { msg: string; [field: string]: unknown }[] {
    const lines = this.stdout.split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as { msg: string });
  }

  get url(): string {
    const port = this.log.find(({ msg }) => msg === 'listening')?.['port'];
    if (port === undefined) throw new Error('not listening');
    return `http://127.0.0.1:${String(port)}`;
  }

  async listening(): Promise<void> {
    await waitFor('the app to listen', eventuallyMs, () => {
      if (this.child.exitCode !== null) throw new Error(`it ended: ${this.stderr}`);
      return this.log.some(({ msg }) => msg === 'listening');
    });
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** Resolves with the exit code, null when a signal ended it. */
  async end(name: NodeJS.Signals): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(name);
    return this.exited;
  }
}
