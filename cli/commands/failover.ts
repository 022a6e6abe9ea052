import type { Command } from 'commander';
import { UserError } from '../../common/errors.js';
import type { FailoverReport, OrderRequest } from '../../common/failover/report.js';
import { carryOut, waits, type Ended, type Waits } from '../failover/carry-out.js';
import { ask, mustBeAbleToAsk, withChange, type ChangeOptions } from '../failover/options.js';
import { promoteKnown, rejoinKnown } from '../failover/known.js';
import { findTeam, mustLook, reportsIn } from '../failover/team.js';
import { interrupted } from '../failover/tell.js';
import { newestRecord } from '../failover/verdict.js';
import type { Io } from '../io.js';

interface Plan {
  readonly request: OrderRequest;
  readonly known: readonly string[];
  readonly question: string;
  readonly waits?: Partial<Waits>;
}

/** Moving the primary, and bringing members back: orders that the agents carry out. */
export function failoverCommands(program: Command, io: Io, end: (code: number) => void): void {
  const run = async (options: ChangeOptions, plan: (reports: readonly FailoverReport[]) => Plan) => {
    end(await reporting(options, io, () => order(options, io, plan)));
  };

  withChange(
    program
      .command('switchover')
      .description('Move the primary to another member, without an error in the apps'),
  )
    .option('--to <member>', 'which member; without it the one other')
    .action((options: ChangeOptions & { readonly to?: string }) =>
      run(options, (reports) => {
        const from = primaryOf(reports) ?? 'the primary';
        const target = options.to ?? otherThan(from, reports);
        const to = target ?? 'the other member';
        return {
          // What was confirmed is what is ordered, whatever joins meanwhile.
          request: { kind: 'switchover', ...(target === undefined ? {} : { to: target }) },
          known: [],
          question: `Move the primary of ${options.service} from ${from} to ${to}?`,
        };
      }),
    );

  withChange(
    program
      .command('promote')
      .description(
        'Make a member the primary when the old one is lost; loses nothing where the record of durability=sync names it, else it may lose commits',
      )
      .argument('<member>'),
  )
    .option('--old-primary-is-off', 'you have seen to it that the old primary does not run, nor will again')
    .option('--record-lost', "Consul's record is lost, and this member has the newest data")
    .action(
      (
        member: string,
        options: ChangeOptions & { readonly oldPrimaryIsOff?: boolean; readonly recordLost?: boolean },
      ) =>
        run(options, (reports) => ({
          request: {
            kind: 'promote',
            to: member,
            ...(options.oldPrimaryIsOff ? { oldPrimaryIsOff: true } : {}),
            ...(options.recordLost ? { recordLost: true } : {}),
          },
          known: promoteKnown(reports, member),
          question: `Promote ${member}?`,
        })),
    );

  for (const [name, method, description] of [
    ['rejoin', 'rewind', 'Have a member follow again; its data is rewound where needed, or cloned anew'],
    ['reinit', 'basebackup', 'Make a member anew from a base backup of the primary'],
  ] as const)
    withChange(program.command(name).description(description).argument('<member>')).action(
      (member: string, options: ChangeOptions) =>
        run(options, (reports) => ({
          request: { kind: 'rejoin', member, method },
          known: rejoinKnown(reports, member),
          question: `${name === 'reinit' ? 'Rebuild' : 'Rejoin'} ${member}?`,
          waits: { orderMs: 6 * 3_600_000 },
        })),
    );
}

async function order(
  options: ChangeOptions,
  io: Io,
  plan: (reports: readonly FailoverReport[]) => Plan,
): Promise<Ended> {
  mustBeAbleToAsk(options, io);
  const team = await findTeam(options, io);
  const reports = reportsIn(await mustLook(team));
  const { request, known, question, waits: own } = plan(reports);
  await ask(options, io, known, question);
  return carryOut({ team, reports, request, options, io, waits: { ...waits, ...own } });
}

/** Prints how it ended, as a sentence or as JSON, and gives the exit code. */
export async function reporting(
  { output, service }: Pick<ChangeOptions, 'output' | 'service'>,
  io: Io,
  work: () => Promise<Ended>,
): Promise<number> {
  let ended: Ended;
  try {
    ended = await work();
  } catch (error) {
    if (!(error instanceof UserError) || (output !== 'json' && error.exitCode !== interrupted)) throw error;
    ended = endedBy(error, service);
  }
  if (output === 'json') io.out(`${JSON.stringify(ended)}\n`);
  else if (ended.exitCode === 0) io.out(`${ended.sentence}\n`);
  else io.err(`hotspare: ${ended.sentence}\n`);
  return ended.exitCode;
}

const outcomes: Readonly<Record<number, Ended['outcome']>> = {
  3: 'degraded',
  4: 'refused',
  5: 'unknown',
  [interrupted]: 'interrupted',
};

const endedBy = ({ exitCode, message }: UserError, service: string): Ended => ({
  service,
  outcome: outcomes[exitCode] ?? 'failed',
  exitCode,
  sentence: message,
});

/** For what prints something else than how it ended: with `-o json` an error is the same object as everywhere. Gives the exit code. */
export async function jsonErrors(
  { output, service }: Pick<ChangeOptions, 'output' | 'service'>,
  io: Io,
  work: () => Promise<number>,
): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof UserError) || output !== 'json') throw error;
    io.out(`${JSON.stringify(endedBy(error, service))}\n`);
    return error.exitCode;
  }
}

const primaryOf = (reports: readonly FailoverReport[]): string | undefined =>
  newestRecord(reports)?.members[0]?.name;

function otherThan(member: string, reports: readonly FailoverReport[]): string | undefined {
  const others = reports.filter((report) => report.member !== member);
  return others.length === 1 ? others[0]?.member : undefined;
}
