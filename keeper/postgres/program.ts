import { spawn } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { sleep } from '../../common/clock.js';
import { environment } from '../../common/runtime/environment.js';
import { listProcesses } from '../../common/runtime/processes/proc.js';
import type { Box, Order } from '../box.js';
import { isAlive, signal } from './processes.js';

const longPrograms = ['pg_rewind', 'pg_basebackup'] as const;
type LongProgram = (typeof longPrograms)[number];

/** Runs it until its end; its last words become the error. What it says of its progress is passed on. */
export async function runLong(
  box: Box,
  program: LongProgram,
  args: readonly string[],
  order: Order,
): Promise<string> {
  const child = spawn(join(box.config.postgres.binDir, program), [...args], {
    cwd: '/',
    env: { ...environment, LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => {
      said = (said + String(data)).slice(-4_000);
      const last = said.split(/[\r\n]+/).findLast((line) => line.trim() !== '');
      if (last !== undefined) order.progress(`${program}: ${last.trim().slice(0, 300)}`);
    });
  const timer = box.clock.after(box.leftMs(order), () => child.kill('SIGKILL'));
  const onAbort = () => child.kill('SIGKILL');
  order.signal.addEventListener('abort', onAbort, { once: true });
  try {
    const ending = await new Promise<string | undefined>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, name) => resolve(code === 0 ? undefined : String(code ?? name)));
    });
    if (ending === undefined) return said;
    throw new Error(
      `${program} ended with ${ending}: ${said
        .trim()
        .split(/[\r\n]+/)
        .slice(-3)
        .join(' / ')}`,
    );
  } finally {
    timer.cancel();
    order.signal.removeEventListener('abort', onAbort);
  }
}

/** A keeper that was killed leaves its programs running: they must not write beside their successors. */
export async function endLeftoverPrograms(box: Box, order: Order): Promise<void> {
  const left = listProcesses().filter(({ pid }) => worksBeside(pid, box.dataDir));
  for (const process of left) signal(process, 'SIGKILL');
  while (left.some(isAlive)) await sleep(box.clock, 10, { signal: order.signal });
}

function worksBeside(pid: number, dataDir: string): boolean {
  try {
    return (
      longPrograms.includes(basename(readlinkSync(`/proc/${pid}/exe`)) as LongProgram) &&
      readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        .split('\0')
        .some((argument) => argument.includes(`${dataDir}.`))
    );
  } catch {
    return false;
  }
}
