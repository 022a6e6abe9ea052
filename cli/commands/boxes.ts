import { Option, type Command } from 'commander';
import { UserError } from '../../common/errors.js';
import { systemClock } from '../../common/runtime/clock.js';
import { terminalProgress } from '../../common/runtime/progress.js';
import {
  NotHealthy,
  boxStates,
  checkHost,
  chooseSubnet,
  findingsAsJson,
  hasErrors,
  prepareBoxes,
  providers,
  renderFindings,
  settleBoxes,
  type BoxState,
  type Provider,
} from '../../vagrant/index.js';
import type { Io } from '../io.js';

/** What the Vagrantfile calls on the host; `check` is for people, too. */
export function boxesCommand(program: Command, io: Io, end: (code: number) => void): void {
  const boxes = program
    .command('boxes')
    .description('The boxes of "vagrant up": checks and preparations on the host');
  const progress = () => terminalProgress(io.stderr, () => systemClock.nowMs());
  const provider = () => new Option('--provider <name>', 'which provider makes the boxes').choices(providers);
  const state = ['--state <folder>', 'where the notes of the boxes lie', '.vagrant/hotspare'] as const;
  const common = ({ state: folder }: { state: string }) => ({
    state: folder,
    environment: io.environment,
    clock: systemClock,
    progress: progress(),
    signal: io.stop,
  });

  boxes
    .command('check')
    .description('Say what "vagrant up" would stumble over, and how to mend it; exit 1 when it would')
    .addOption(provider())
    .option(...state)
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text'))
    .action(async (options: { provider?: Provider; state: string; output: 'text' | 'json' }) => {
      const findings = await checkHost({ ...common(options), provider: options.provider, boxes: undefined });
      if (options.output === 'json') io.out(findingsAsJson(findings));
      else
        io.out(findings.length === 0 ? 'Nothing is in the way of "vagrant up".\n' : renderFindings(findings));
      if (hasErrors(findings)) end(1);
    });

  boxes
    .command('subnet', { hidden: true })
    .addOption(provider().makeOptionMandatory())
    .option(...state)
    .action(async (options: { provider: Provider; state: string }) => {
      const { subnet, reason } = await chooseSubnet({
        ...common(options),
        provider: options.provider,
        boxes: undefined,
      });
      if (reason !== undefined) io.err(`${reason}\n`);
      io.out(`${subnet}\n`);
    });

  boxes
    .command('prepare', { hidden: true })
    .requiredOption('--boxes <list>', `what there is: NAME=${boxStates.join('|')}, separated by commas`)
    .addOption(provider().makeOptionMandatory())
    .option(...state)
    .action(async (options: { provider: Provider; state: string; boxes: string }) => {
      const input = { ...common(options), provider: options.provider, boxes: parseStates(options.boxes) };
      const findings = await checkHost(input);
      if (findings.length > 0) io.err(renderFindings(findings));
      if (hasErrors(findings)) return end(2);
      await prepareBoxes(input);
    });

  boxes
    .command('settle', { hidden: true })
    .requiredOption('--running <list>', 'names of the boxes that run')
    .option('--quiet', 'do not say what there is to see; what is not healthy is only a warning')
    .option(...state)
    .action(async (options: { state: string; running: string; quiet?: boolean }) => {
      try {
        const welcome = await settleBoxes({ ...common(options), running: options.running.split(',') });
        if (!options.quiet) io.out(welcome);
      } catch (error) {
        if (!options.quiet || !(error instanceof NotHealthy)) throw error;
        io.err(`warning: ${error.message}\n`);
      }
    });
}

function parseStates(list: string): Map<string, BoxState> {
  return new Map(
    list.split(',').map((item) => {
      const [name = '', said] = item.split('=');
      const state = boxStates.find((one) => one === said);
      if (state === undefined)
        throw new UserError(`--boxes: "${item}" is not NAME=${boxStates.join('|')}`, { exitCode: 2 });
      return [name, state];
    }),
  );
}
