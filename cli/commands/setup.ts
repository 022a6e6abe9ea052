import type { Command } from 'commander';
import { UserError } from '../../common/errors.js';
import { installMissing, missingPackages, type Purposes } from '../../setup/index.js';
import { confirm } from '../ask.js';
import type { Io } from '../io.js';

export function setupCommand(program: Command, io: Io): void {
  program
    .command('setup')
    .description('Find Consul, PostgreSQL and nginx; install what is missing')
    .option('-y, --yes', 'install without asking')
    .option('--for-tests', 'also what the tests need (a browser, Patroni, PgBouncer)')
    .option(
      '--for-boxes',
      'also what "vagrant up" with containers needs (Vagrant, LXC, what builds their box)',
    )
    .action(async (options: Purposes & { readonly yes?: boolean }) => {
      await setUp(io, { ...options, yes: options.yes === true });
      io.out('Everything the boxes need is installed.\n');
    });
}

/** Installs what is missing, or throws a UserError with the command that would. */
export async function setUp(io: Io, options: Purposes & { readonly yes: boolean }): Promise<void> {
  const missing = missingPackages(options);
  if (missing.length === 0) return;
  io.err(
    `Missing on this machine:\n${missing.map(({ program, package: name }) => `  ${program.padEnd(32)} package ${name}\n`).join('')}`,
  );
  const call = `npx hotspare setup --yes${options.forTests ? ' --for-tests' : ''}${options.forBoxes ? ' --for-boxes' : ''}`;
  if (!io.isRoot) throw new UserError(`these can be installed by root only. Run:\n  sudo ${call}`);
  if (io.isTerminal && !options.yes && !(await confirm(io, 'Install them from the distribution now?'))) {
    throw new UserError(`nothing was installed. Later:\n  ${call}`);
  }
  await installMissing(missing, (text) => io.err(`  … ${text}\n`));
}
