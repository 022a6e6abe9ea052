import type { Command } from 'commander';
import { once } from 'node:events';
import { systemClock } from '../../common/runtime/clock.js';
import { terminalProgress } from '../../common/runtime/progress.js';
import { down, labSettings, up } from '../../lab/index.js';
import type { Io } from '../io.js';
import { welcome } from '../welcome.js';
import { setUp } from './setup.js';

export function startCommand(program: Command, io: Io): void {
  program
    .command('start')
    .description('Start the five boxes on this machine and stay; Ctrl-C stops them')
    .option('-d, --detach', 'return when all is healthy and leave them running')
    .option('-y, --yes', 'install missing packages without asking')
    .action(async (options: { detach?: boolean; yes?: boolean }) => {
      await setUp(io, { yes: options.yes === true });
      const settings = labSettings(io.environment, io.isRoot);
      const progress = terminalProgress(io.stderr, () => systemClock.nowMs());
      const { stop } = io;
      try {
        const lab = await up(settings, progress, stop);
        io.out(welcome(lab, io.environment, options.detach ? 'detached' : 'attached'));
        if (options.detach) return;
        if (!stop.aborted) await waitForStop(stop);
      } catch (error) {
        if (!stop.aborted) throw error;
      }
      io.err('\nStopping. The data is kept ("lab nuke" removes it).\n');
      await down(settings, progress);
    });
}

async function waitForStop(stop: AbortSignal): Promise<void> {
  // A pending promise alone would not keep the process alive.
  const keepAlive = systemClock.after(2 ** 31 - 1, () => {});
  await once(stop, 'abort');
  keepAlive.cancel();
}
