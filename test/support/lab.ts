import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import type { LabStatus } from '../../lab/index.js';
import { waitFor } from './wait.js';
import { fetchAnew } from './fetch-anew.js';

const bin = 'bin/hotspare.mjs';
const run = promisify(execFile);

export interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `hotspare …` to its end, whatever that is. */
export async function hotspare(
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<Ended> {
  try {
    const { stdout, stderr } = await run(process.execPath, [bin, ...args], {
      env: { ...process.env, ...environment },
      timeout: 150_000,
      maxBuffer: 16 * 1024 * 1024,
    });
    return { exitCode: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: number | string; stdout: string; stderr: string };
    return { exitCode: typeof code === 'number' ? code : -1, stdout, stderr };
  }
}

/** The lab the tests share: its own offset and folder, so that a person's lab on this machine is left alone. */
export const sharedLab = { HOTSPARE_PORT_OFFSET: '2500' };

/** What to ask when a test of this file fails. */
export const labsOfThisFile: TestLab[] = [];

/** Every box of one lab, and what the tests do to them. */
export class TestLab {
  constructor(readonly environment: Record<string, string> = sharedLab) {
    labsOfThisFile.push(this);
  }

  /** Starts what does not run of it: the first file that needs it makes it, so that files with a lab of their own run without it. */
  async up(): Promise<void> {
    await this.command('up', '--yes');
  }

  async command(...args: string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await hotspare(['lab', ...args], this.environment);
    if (exitCode !== 0 && args[0] !== 'status')
      throw new Error(`lab ${args.join(' ')} ended with ${exitCode}: ${stderr}`);
    return stdout;
  }

  status(): LabStatus {
    let text: string;
    try {
      text = execFileSync(process.execPath, [bin, 'lab', 'status', '-o', 'json'], {
        env: { ...process.env, ...this.environment },
        encoding: 'utf8',
      });
    } catch (error) {
      text = (error as { stdout: string }).stdout;
    }
    return JSON.parse(text) as LabStatus;
  }

  /** Its port is 0 where it listens on none. */
  service(name: string): LabStatus['boxes'][number]['services'][number] & { readonly port: number } {
    const [program, box] = name.split('@');
    const found = this.status()
      .boxes.find((one) => one.name === box)
      ?.services.find((one) => one.name === program);
    if (!found) throw new Error(`the lab has no ${name}`);
    return { ...found, port: found.port ?? 0 };
  }

  pid(name: string): number {
    const { pid } = this.service(name);
    if (pid === null) throw new Error(`${name} does not run`);
    return pid;
  }

  /** Waits until both balancers serve in `mode`. */
  async waitForMode(mode: string, timeoutMs: number): Promise<void> {
    const { todo } = this.status().urls;
    await waitFor(`mode ${mode} on ${todo.join(' and ')}`, timeoutMs, async () => {
      const modes = await Promise.all(todo.map(async (url) => (await get(`${url}todos`)).mode));
      return modes.every((one) => one === mode);
    });
  }
}

export interface Answer {
  readonly status: number;
  readonly servedBy: string | null;
  readonly mode: string | null;
  readonly body: string;
}

/** One request on a fresh connection, with a deadline. */
export async function request(url: string, init: RequestInit = {}, timeoutMs = 10_000): Promise<Answer> {
  const response = await fetchAnew(url, {
    ...init,
    headers: { connection: 'close', ...init.headers },
    signal: AbortSignal.timeout(timeoutMs),
  });
  return {
    status: response.status,
    servedBy: response.headers.get('x-served-by'),
    mode: response.headers.get('x-hotspare-mode'),
    body: await response.text(),
  };
}

export const get = (url: string, timeoutMs?: number) => request(url, {}, timeoutMs);

export const post = (url: string, title: string, timeoutMs?: number) =>
  request(
    url,
    { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ title }) },
    timeoutMs,
  );

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
