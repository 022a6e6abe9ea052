import type { Command } from 'commander';
import { main as agentMain } from '../../agent/main.js';
import type { Io } from '../io.js';

export function agentCommand(program: Command, _io: Io, end: (code: number) => void): void {
  program
    .command('agent')
    .description("Run this box's agent")
    .requiredOption('-c, --config <file>', 'its configuration (YAML)')
    .action(async (options: { config: string }) => end(await agentMain(['--config', options.config])));
}
