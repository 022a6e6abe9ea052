import { join } from 'node:path';
import { sleep } from '../../common/clock.js';
import type { RequestOf } from '../../common/keeper/protocol.js';
import type { History } from '../../common/postgres/history.js';
import { runCommand } from '../../common/runtime/machine/command.js';
import { Refused, type Box, type Order } from '../box.js';
import { conninfo } from '../verbs/parts/conninfo.js';
import { oneLine } from './control.js';

/** How long a source that has just been promoted may take to write its new timeline into its control file, in ms. */
const checkpointWaitMs = 60_000;
const pollMs = 200;

const question = `SELECT pg_is_in_recovery(), (pg_control_system()).system_identifier,
  (pg_control_checkpoint()).timeline_id, (pg_stat_file('standby.signal', true)).size IS NOT NULL`;

/**
 * Nothing is begun with a source that is no primary of this history (D4), or whose signal file is not back: pg_rewind and a clone
 * would bring a data directory without one (D2).
 */
export async function mustBeReady(box: Box, request: RequestOf<'rejoin'>, order: Order): Promise<void> {
  const giveUpAtMs = Math.min(order.deadlineAtMs, box.clock.nowMs() + checkpointWaitMs);
  for (;;) {
    const source = await ask(box, request);
    mustBelong(source, request.history);
    if (source.timeline >= request.history.timeline) return;
    if (box.clock.nowMs() > giveUpAtMs)
      throw new Refused(
        'source-not-ready',
        'the control file of the source still shows its old timeline; order a checkpoint there',
      );
    order.progress('waiting for the first checkpoint of the source on its new timeline');
    await sleep(box.clock, pollMs, { signal: order.signal });
  }
}

interface Source {
  readonly inRecovery: boolean;
  readonly systemId: string;
  readonly timeline: number;
  readonly hasSignal: boolean;
}

function mustBelong({ inRecovery, systemId, timeline, hasSignal }: Source, history: History): void {
  if (systemId !== history.systemId)
    throw new Refused('other-system', `the source is of system ${systemId}, not ${history.systemId}`);
  if (inRecovery) throw new Refused('source-not-ready', 'the source is itself in recovery');
  if (timeline > history.timeline)
    throw new Refused('other-history', `the source is on timeline ${timeline}, beyond ${history.timeline}`);
  if (!hasSignal)
    throw new Refused('source-not-ready', 'standby.signal of the source is not back in its data directory');
}

/** By psql: it reads the same connection string as the programs that follow. */
async function ask(box: Box, request: RequestOf<'rejoin'>): Promise<Source> {
  const { exitCode, stdout, stderr } = await runCommand(
    join(box.config.postgres.binDir, 'psql'),
    ['-XAtc', question, `${conninfo(box.config.replication, request)} dbname=postgres`],
    { timeoutMs: 10_000 },
  );
  const [inRecovery, systemId, timeline, signal] = stdout.trim().split('|');
  if (exitCode !== 0 || signal === undefined)
    throw new Refused('source-not-ready', `the source does not answer: ${oneLine(stderr)}`);
  return {
    inRecovery: inRecovery === 't',
    systemId: systemId!,
    timeline: Number(timeline),
    hasSignal: signal === 't',
  };
}
