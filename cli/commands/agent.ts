import type { Command } from 'commander';
import { loadAgentConfig } from '../../agent/config.js';
import type { Io } from '../io.js';
import { handOver } from '../service/hand-over.js';
import { leave } from '../service/leave.js';

export function agentCommand(program: Command, io: Io, end: (code: number) => void): void {
  const agent = program
    .command('agent')
    .description("Run this box's agent")
    .requiredOption('-c, --config <file>', 'its configuration (YAML)')
    .action(async (options: { config: string }) => {
      // What it runs is much more than its other commands need.
      const { main } = await import('../../agent/main.js');
      end(await main(['--config', options.config]));
    });
  agent
    .command('leave')
    .description(
      'Have the agent that runs here take the box’s services out of the catalogue, until it is started anew',
    )
    .action(async (_: object, command: Command) => {
      const { config } = command.optsWithGlobals<{ config: string }>();
      const { left } = await leave(loadAgentConfig(config).http);
      io.out(`out of the catalogue: ${left.join(', ') || 'nothing, as this box has no services'}\n`);
    });
  agent
    .command('hand-over')
    .argument('<service>', 'like pg')
    .description(
      'Before its server is stopped here: with promotion=auto the standby takes over first; for ExecStop. Exits with 0 when it has, or when there is nothing to hand over',
    )
    .action(async (service: string, _: object, command: Command) => {
      const { box, http } = loadAgentConfig(command.optsWithGlobals<{ config: string }>().config);
      const { exitCode, sentence } = await handOver({ box, service, agent: http }, io);
      io.out(`${sentence}\n`);
      end(exitCode);
    });
}
