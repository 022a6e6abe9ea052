import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentStatus } from '../../../common/agent/status.js';
import { buildProgram } from '../built/built-program.js';
import { Child } from '../child.js';
import { eventuallyMs } from '../patience.js';
import { freePorts } from '../ports.js';
import { waitFor } from '../wait.js';
import { fetchAnew } from '../fetch-anew.js';

export const buildAgent = () => buildProgram('agent');

export interface AgentOptions {
  readonly program: string;
  readonly folder: string;
  readonly box: string;
  readonly consulUrl: string;
  /** YAML of `services:` and `templates:`. */
  readonly more: string;
  /** Default: a file in `folder`. */
  readonly logFile?: string;
}

/** One agent as a process of its own, with its configuration on disk. */
export class AgentProcess {
  private child: Child | undefined;
  private constructor(
    private readonly program: string,
    private readonly configFile: string,
    readonly logFile: string,
    readonly statusUrl: string,
  ) {}

  static async prepare(options: AgentOptions): Promise<AgentProcess> {
    const { program, folder, box, consulUrl, more } = options;
    const [port] = (await freePorts(1)) as [number];
    const configFile = join(folder, `${box}.yaml`);
    mkdirSync(folder, { recursive: true });
    const secretFile = join(folder, 'http.secret');
    writeFileSync(secretFile, 'correct-horse-battery');
    writeFileSync(
      configFile,
      `box: ${box}
address: 127.0.0.1
stateDir: ${join(folder, `state-${box}`)}
http: { host: 127.0.0.1, port: ${port}, secretFile: ${secretFile} }
consul: { url: "${consulUrl}" }
${more}`,
    );
    return new AgentProcess(
      program,
      configFile,
      options.logFile ?? join(folder, `${box}.log`),
      `http://127.0.0.1:${port}`,
    );
  }

  get pid(): number {
    return this.child!.pid;
  }

  /** Returns once the status is served. */
  async start(): Promise<void> {
    this.child = Child.start(process.execPath, [this.program, '--config', this.configFile], this.logFile);
    await waitFor('the agent’s status', eventuallyMs, () => this.status());
  }

  async status(): Promise<AgentStatus> {
    return (await (await fetchAnew(`${this.statusUrl}/v1/status`)).json()) as AgentStatus;
  }

  /** SIGTERM; its exit code. */
  async stop(): Promise<number | null> {
    this.child?.signal('SIGTERM');
    await this.child?.ended(eventuallyMs);
    return waitFor('the exit code', eventuallyMs, () => this.child?.process.exitCode ?? undefined);
  }

  kill(): void {
    this.child?.signal('SIGKILL');
  }

  async destroy(): Promise<void> {
    this.kill();
    await this.child?.ended();
  }

  log(): string {
    return readFileSync(this.logFile, 'utf8');
  }
}
