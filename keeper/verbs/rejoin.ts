import { existsSync, readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { RequestOf, ResultOf } from '../../common/keeper/protocol.js';
import { compareHistory, falseTwins } from '../../common/postgres/history.js';
import { renameDurably } from '../../common/runtime/files/durable.js';
import { writeDurably } from '../../common/runtime/files/replace-file.js';
import { Refused, type Box, type Order } from '../box.js';
import { stripAutoConfFile } from '../postgres/auto-conf.js';
import { isClean, readControlData, type ControlData } from '../postgres/control.js';
import { keepOwnWal } from '../postgres/kept-wal.js';
import { familyOf } from '../postgres/processes.js';
import { endLeftoverPrograms, runLong } from '../postgres/program.js';
import { mustBeReady } from '../postgres/source.js';
import { stopCleanly } from '../postgres/stop.js';
import { mustBeManaged, mustHaveData, mustNotRewind } from './parts/conditions.js';
import { conninfo, slotPrefix } from './parts/conninfo.js';
import { knownHistory } from './parts/known-history.js';
import { follow, setSource } from './follow.js';
import { writeClosedGate } from './gate.js';

type Request = RequestOf<'rejoin'>;
type Kept = ResultOf<'rejoin'>['kept'];

/**
 * D2, D3, D4: makes this member one that follows `host`. For a rewind or a base backup Postgres is stopped, and until the end the
 * data directory does not lie at its place: whoever starts Postgres meanwhile, with or without `prepare-start`, starts nothing.
 * Afterwards Postgres is stopped, ready to be started by whoever owns it.
 */
export async function rejoin(box: Box, request: Request, order: Order): Promise<ResultOf<'rejoin'>> {
  mustBeManaged(box);
  const { method } = request;
  if (method === 'follow') {
    const { applicationName } = await follow(box, { ...request, verb: 'follow' }, order);
    return { method, applicationName };
  }
  mustNotHold(box);
  if (method === 'rewind') await mustBeRewindable(box, request);
  await mustBeReady(box, request, order);
  await endLeftoverPrograms(box, order);
  // Of a rejoin that came to its end; where one did not, it is what there is.
  if (!box.state.rewinding) rmSync(aside(box), { recursive: true, force: true });
  const kept = method === 'rewind' ? await rewind(box, request, order) : await clone(box, request, order);
  return { method, applicationName: box.applicationName, ...(kept ? { kept } : {}) };
}

/** Never the holder: only its gate is open. */
function mustNotHold(box: Box): void {
  const { gate } = box.state;
  if (gate && gate.kind !== 'closed' && familyOf(box.dataDir).postmaster)
    throw new Refused(
      'gate-not-closed',
      'the gate of this member is open: it is the primary; fence it or close its gate first',
    );
}

/** D4: pg_rewind goes by timeline numbers alone, and says "no rewind required" of two histories under one number. */
async function mustBeRewindable(box: Box, { history }: Request): Promise<void> {
  mustNotRewind(box);
  const data = await mustHaveData(box);
  const own = await knownHistory(box, data);
  const { relation, sentence } = compareHistory(own, history);
  if (relation === 'other-system') throw new Refused('other-system', sentence);
  const [twin] = falseTwins(own, history);
  if (twin !== undefined)
    throw new Refused('other-history', `${twin}; only rejoin with "method": "basebackup" helps`);
  if (!familyOf(box.dataDir).postmaster && !isClean(data.cluster))
    throw new Refused(
      'not-clean',
      `Postgres was not stopped in good order ("${data.cluster}"): start it with its unit, which starts it as a standby, and order rejoin again once it answers`,
    );
}

const aside = (box: Box) => `${box.dataDir}.rejoining`;

async function rewind(box: Box, request: Request, order: Order): Promise<Kept> {
  box.state.rewinding = { method: 'rewind' };
  const data = await putAside(box, order);
  if (data.state !== 'present' || !isClean(data.cluster)) {
    // Nothing of it was changed yet.
    renameDurably(aside(box), box.dataDir);
    box.state.rewinding = undefined;
    throw new Error(
      'Postgres could not be stopped in good order; start it with its unit, which starts it as a standby, and order rejoin again once it answers',
    );
  }
  const kept = await keepOwnWal(box, aside(box), data, request.history);
  const source = `${conninfo(box.config.replication, request)} dbname=postgres`;
  // Without -R, which would copy settings of the source's; what it brings of them is stripped (D2).
  await runLong(
    box,
    'pg_rewind',
    [`--target-pgdata=${aside(box)}`, `--source-server=${source}`, '--no-ensure-shutdown', '--progress'],
    order,
  );
  putInPlace(box, aside(box), request);
  return kept;
}

async function clone(box: Box, request: Request, order: Order): Promise<Kept> {
  box.state.rewinding = { method: 'basebackup' };
  const data = await putAside(box, order);
  const kept =
    data.state === 'present' ? await keepOwnWal(box, aside(box), data, request.history) : undefined;
  const fresh = freshFolder(box);
  await runLong(
    box,
    'pg_basebackup',
    [
      `--dbname=${conninfo(box.config.replication, request)}`,
      `--pgdata=${fresh}`,
      '--wal-method=stream',
      '--checkpoint=fast',
      '--progress',
      ...(request.slot === undefined ? [] : [`--slot=${slotPrefix}${request.slot}`]),
    ],
    order,
  );
  putInPlace(box, fresh, request);
  rmSync(aside(box), { recursive: true, force: true });
  return kept;
}

/** A new name each time; what earlier attempts left is removed. */
function freshFolder(box: Box): string {
  const prefix = `${basename(box.dataDir)}.cloning-`;
  const parent = dirname(box.dataDir);
  for (const name of readdirSync(parent).filter((each) => each.startsWith(prefix)))
    rmSync(join(parent, name), { recursive: true, force: true });
  return join(parent, prefix + box.state.renewIncarnation());
}

/** Stops Postgres and takes the data directory from its place; where an earlier attempt did so, that stays. */
async function putAside(box: Box, order: Order): Promise<ControlData> {
  const { binDir } = box.config.postgres;
  await stopCleanly(box, box.dataDir, order);
  if (existsSync(aside(box))) {
    // What lies at the place is then no older than what lies aside, and not finished.
    rmSync(box.dataDir, { recursive: true, force: true });
  } else if (existsSync(box.dataDir)) renameDurably(box.dataDir, aside(box));
  // Somebody may have started it in between.
  await stopCleanly(box, aside(box), order);
  return readControlData(binDir, aside(box));
}

/** The order matters: settings, signal, place, memory, and last the marker (D2). */
function putInPlace(box: Box, folder: string, request: Request): void {
  box.state.renewIncarnation();
  setSource(box, request, request.slot ?? '');
  writeClosedGate(box);
  writeDurably(join(folder, 'standby.signal'), '');
  stripAutoConfFile(folder);
  renameDurably(folder, box.dataDir);
  box.state.history = request.history;
  box.state.rewinding = undefined;
}
