import type { Command } from 'commander';
import { UserError } from '../../common/errors.js';
import { installMissing, missingPackages } from '../../lab/index.js';
import { confirm } from '../ask.js';
import type { Io } from '../io.js';

export function setupCommand(program: Command, io: Io): void {
  program
    .command('setup')
    .description('Find Consul, PostgreSQL and nginx; install what is missing')
    .option('-y, --yes', 'install without asking')
    .option('--for-tests', 'also what the tests need (a browser)')
    .action(async (options: { yes?: boolean; forTests?: boolean }) => {
      await setUp(io, { yes: options.yes === true, forTests: options.forTests === true });
      io.out('Everything the boxes need is installed.\n');
    });
}

/** Installs what is missing, or throws a UserError with the command that would. */
export async function setUp(io: Io, options: { yes: boolean; forTests?: boolean }): Promise<void> {
  const missing = missingPackages(options.forTests);
  if (missing.length === 0) return;
  io.err(
    `Missing on this machine:\n${missing.map(({ program, package: name }) => `  ${program.padEnd(32)} package ${name}\n`).join('')}`,
  );
  if (!io.isRoot) {
    throw new UserError('these can be installed by root only. Run:\n  sudo npx hotspare setup --yes');
  }
  if (io.isTerminal && !options.yes && !(await confirm(io, 'Install them from the distribution now?'))) {
    throw new UserError('nothing was installed. Later:\n  npx hotspare setup --yes');
  }
  await installMissing(missing, (text) => io.err(`  … ${text}\n`));
}
