import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Option, type Command } from 'commander';
import { plainLines } from '../../common/text/plain-text.js';
import { UserError } from '../../common/errors.js';
import { systemClock } from '../../common/runtime/clock.js';
import { terminalProgress } from '../../common/runtime/progress.js';
import {
  down,
  faults,
  inflict,
  labFiles,
  labSettings,
  labStatus,
  nuke,
  openLab,
  statusText,
  unitsNamed,
  up,
  type Fault,
  type Lab,
} from '../../lab/index.js';
import { confirm } from '../ask.js';
import type { Io } from '../io.js';
import { welcome } from '../welcome.js';
import { setUp } from './setup.js';

export function labCommand(program: Command, io: Io, end: (code: number) => void): void {
  const lab = program.command('lab').description('The five boxes as processes of this machine');
  const progress = () => terminalProgress(io.stderr, () => systemClock.nowMs());
  const settings = () => labSettings(io.environment, io.isRoot);

  lab
    .command('up')
    .description('Start all boxes, return when all is healthy')
    .option('-y, --yes', 'install missing packages without asking')
    .action(async (options: { yes?: boolean }) => {
      await setUp(io, { yes: options.yes === true });
      io.out(welcome(await up(settings(), progress(), io.stop), io.environment, 'detached'));
    });
  lab
    .command('down')
    .description('Stop all boxes, keep their data')
    .action(() => down(settings(), progress()));
  lab
    .command('nuke')
    .description('Stop all boxes and remove all data')
    .option('-y, --yes', 'do not ask')
    .action(async (options: { yes?: boolean }) => {
      const { directory } = settings();
      if (!existsSync(directory)) return;
      if (!options.yes) {
        if (!io.isTerminal)
          throw new UserError(`this removes ${directory} with all data; say --yes to mean it`, {
            exitCode: 2,
          });
        if (!(await confirm(io, `Remove ${directory} with all data?`)))
          throw new UserError('nothing was removed');
      }
      await nuke(settings(), progress());
    });
  lab
    .command('status')
    .description('What runs where; exits with 3 when something does not run')
    .addOption(
      new Option('-o, --output <format>', 'how to print it').choices(['text', 'json']).default('text'),
    )
    .option('--json', 'the same as -o json')
    .action(async (options: { output: 'text' | 'json'; json?: boolean }) => {
      const status = await labStatus(open(io));
      const asJson = options.json === true || options.output === 'json';
      io.out(`${asJson ? JSON.stringify(status, null, 2) : statusText(status)}\n`);
      const allRun = status.boxes.every((box) => box.services.every(({ state }) => state === 'running'));
      end(allRun ? 0 : 3);
    });
  lab
    .command('logs')
    .description('Show the logs of one program, or of all')
    .argument('[service@box]')
    .option('-f, --follow', 'go on as they grow')
    .option('-n, --lines <count>', 'how many lines of each', '20')
    .action(async (name: string | undefined, options: { follow?: boolean; lines: string }) => {
      await showLogs(io, open(io), name, options);
    });
  for (const [fault, description] of Object.entries(faults)) {
    lab
      .command(fault)
      .description(description)
      .argument(
        '<service@box>',
        'for example todomvc@nginx1, pg@pg1, consul@adm1, agent@pg2; the box may be "all"',
      )
      .action(async (name: string) => {
        for (const line of await inflict(open(io), fault as Fault, name)) io.err(`${line}\n`);
      });
  }
}

function open(io: Io): Lab {
  const settings = labSettings(io.environment, io.isRoot);
  if (!existsSync(labFiles(settings.directory).secrets)) {
    throw new UserError(
      `there is no lab in ${settings.directory}; start one with "npm start" or "hotspare lab up"`,
    );
  }
  return openLab(settings);
}

async function showLogs(
  io: Io,
  lab: Lab,
  name: string | undefined,
  options: { follow?: boolean; lines: string },
): Promise<void> {
  if (!/^\d+$/.test(options.lines))
    throw new UserError(`--lines is ${JSON.stringify(options.lines)}; expected a number`, { exitCode: 2 });
  const units =
    name === undefined
      ? lab.site.topology.boxes.flatMap((box) =>
          ['consul', 'agent', ...box.services].map((one) => `${one}@${box.name}`),
        )
      : unitsNamed(lab, name);
  const logs = units.map((unit) => join(lab.files.logs, `${unit}.log`)).filter((file) => existsSync(file));
  if (logs.length === 0) throw new UserError('nothing has been logged yet');
  const child = spawn('tail', ['-n', options.lines, ...(options.follow ? ['-F'] : []), ...logs], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // Programs log what others sent them.
  child.stdout.setEncoding('utf8').on('data', (lines: string) => io.out(plainLines(lines)));
  io.stop.addEventListener('abort', () => child.kill());
  await new Promise<void>((resolve, reject) => {
    child.once('close', () => resolve());
    child.once('error', reject);
  });
}
