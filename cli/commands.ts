import type { Command } from 'commander';
import type { Io } from './io.js';

type Add = (program: Command, io: Io, end: (code: number) => void) => void;

export interface Group {
  readonly names: readonly string[];
  readonly load: () => Promise<Add>;
}

/** All commands, in the order of the help. A file that is loaded takes time, so only the one that is called is, if it is known. */
export const groups: readonly Group[] = [
  { names: ['start'], load: async () => (await import('./commands/start.js')).startCommand },
  { names: ['lab'], load: async () => (await import('./commands/lab.js')).labCommand },
  { names: ['status'], load: async () => (await import('./commands/status.js')).statusCommand },
  { names: ['alerts'], load: async () => (await import('./commands/alerts.js')).alertsCommand },
  {
    names: ['switchover', 'promote', 'rejoin', 'reinit'],
    load: async () => (await import('./commands/failover.js')).failoverCommands,
  },
  {
    names: ['policy', 'pause', 'resume', 'withdraw', 'history'],
    load: async () => (await import('./commands/policy.js')).policyCommands,
  },
  { names: ['agent'], load: async () => (await import('./commands/agent.js')).agentCommand },
  { names: ['keeper'], load: async () => (await import('./commands/keeper.js')).keeperCommand },
  { names: ['service'], load: async () => (await import('./commands/service.js')).serviceCommand },
  { names: ['boxes'], load: async () => (await import('./commands/boxes.js')).boxesCommand },
  { names: ['setup'], load: async () => (await import('./commands/setup.js')).setupCommand },
];

/** What is needed for these arguments: one group, or all of them for the help, the version and what is unknown. */
export function groupsFor([first = '']: readonly string[]): readonly Group[] {
  const called = groups.filter(({ names }) => names.includes(first));
  return called.length > 0 ? called : groups;
}
