import type { Command } from 'commander';
import { sleep } from '../../common/clock.js';
import type { PolicyRequest } from '../../common/failover/report.js';
import { systemClock } from '../../common/runtime/clock.js';
import { toldBy } from '../failover/carry-out.js';
import { eventLines } from '../failover/history.js';
import { ask, mustBeAbleToAsk, withChange, withReach } from '../failover/options.js';
import type { ChangeOptions, ReachOptions } from '../failover/options.js';
import { losesSafety, parsePolicy, policyIn, policyText } from '../failover/policy.js';
import { findTeam, historyBy, mustLook, reportsIn } from '../failover/team.js';
import { changePolicy, placeOrder } from '../failover/tell.js';
import type { Io } from '../io.js';
import { jsonErrors, reporting } from './failover.js';

/** Between two looks at the history, in ms. */
const followMs = 500;

/** What the agents go by, and what they did. */
export function policyCommands(program: Command, io: Io, end: (code: number) => void): void {
  const policy = program.command('policy').description('What the agents may do by themselves');
  withReach(policy.command('show', { isDefault: true }).description('Print it')).action(
    async (options: ReachOptions) => {
      end(
        await jsonErrors(options, io, async () => {
          const found = policyIn(reportsIn(await mustLook(await findTeam(options, io))));
          io.out(options.output === 'json' ? `${JSON.stringify(found)}\n` : policyText(found));
          return 0;
        }),
      );
    },
  );
  withChange(
    policy
      .command('set')
      .description('Change it; asks first where less is promised afterwards, or writes may wait')
      .argument(
        '<key=value...>',
        'such as durability=sync; others are roles=managed|observe, durability=sync|async, strict=true|false, promotion=manual|auto (auto needs durability=sync), maxFailovers=N (default 3)',
      ),
  ).action((words: readonly string[], options: ChangeOptions) => set(options, parsePolicy(words)));

  withChange(
    program
      .command('pause')
      .description('Have the agents do nothing but publish: no member is promoted, fenced or rebuilt'),
  ).action((options: ChangeOptions) => set(options, { paused: true }));
  withChange(program.command('resume').description('End a pause')).action((options: ChangeOptions) =>
    set(options, { paused: false }),
  );

  withChange(
    program.command('withdraw').description('Take back the order that stands, while that can be'),
  ).action(async (options: ChangeOptions) => {
    const { service } = options;
    end(
      await reporting(options, io, async () => {
        const { told } = await reach(options);
        await placeOrder(told, { kind: 'withdraw' });
        return { service, outcome: 'done', exitCode: 0, sentence: 'the order was taken back' };
      }),
    );
  });

  withReach(program.command('history').description('What happened to the roles, and why; oldest first'))
    .option('-f, --follow', 'go on printing what happens, until Ctrl-C')
    .action(async (options: ReachOptions & { readonly follow?: boolean }) => {
      end(await jsonErrors(options, io, () => history(options, io)));
    });

  async function reach(options: ChangeOptions) {
    const team = await findTeam(options, io);
    const reports = reportsIn(await mustLook(team));
    return { reports, told: toldBy({ team, reports, options, io }) };
  }

  async function set(options: ChangeOptions, change: PolicyRequest): Promise<void> {
    const { service } = options;
    const code = await reporting(options, io, async () => {
      const { reports, told } = await reach(options);
      const loss = losesSafety(policyIn(reports), change);
      if (loss.length > 0) {
        mustBeAbleToAsk(options, io);
        await ask(options, io, loss, `Change the policy of ${service}?`);
      }
      const policy = await changePolicy(told, change);
      const words = Object.keys(change).map((key) => `${key}=${String(policy[key as keyof typeof policy])}`);
      return { service, outcome: 'done', exitCode: 0, sentence: words.join(' '), policy };
    });
    end(code);
  }
}

async function history(options: ReachOptions & { readonly follow?: boolean }, io: Io): Promise<number> {
  const team = await findTeam(options, io);
  const printed = new Set<string>();
  let complaint = '';
  let wasRead = false;
  for (;;) {
    try {
      const { events, unreadable } = await historyBy(team);
      wasRead = true;
      const fresh = events.filter(({ id }) => !printed.has(id));
      for (const event of fresh) {
        printed.add(event.id);
        const lines = options.output === 'json' ? [JSON.stringify(event)] : eventLines(event);
        io.out(`${lines.join('\n')}\n`);
      }
      for (const { key, why } of unreadable.filter(({ key }) => !printed.has(key))) {
        printed.add(key);
        io.err(`hotspare: ${key} cannot be read: ${why}\n`);
      }
      complaint = '';
    } catch (error) {
      // What follows does not end with a moment without Consul.
      if (!options.follow || !wasRead) throw error;
      const said = error instanceof Error ? error.message : String(error);
      if (said !== complaint) io.err(`hotspare: ${said}; it is asked again\n`);
      complaint = said;
    }
    if (!options.follow) return 0;
    try {
      await sleep(systemClock, followMs, { signal: io.stop });
    } catch {
      return 0;
    }
  }
}
