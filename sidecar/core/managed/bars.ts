import type { GateKind } from '../../../common/postgres/gate-name.js';
import { sameEpoch } from '../history/epochs.js';
import type { Bars, Member, State } from '../model.js';
import { foreign } from '../members/system.js';
import { reachesFloor } from './floor.js';

/** What is not so at managed members alone. */
export const noBars: Bars = { gated: false, drained: false, stalled: false, heldSinceMs: null };

/** A holder's voluntary gate counts as open for so long, ms; the keeper opens it again by then (docs/KEEPER.md, G3). */
export const holdMs = 2_000;

interface Heard {
  readonly role: 'primary' | 'replica';
  readonly gate?: GateKind | undefined;
  readonly drained?: boolean | undefined;
}

/** What this heartbeat says keeps a member from acknowledging writes. A standby's gate is closed, and keeps nobody from anything. */
export function barsOf(member: Member, { role, gate, drained = false }: Heard, nowMs: number): Bars {
  if (role === 'replica') return noBars;
  const { stalled } = member.bars;
  const heldSinceMs = gate === 'hold' ? (member.bars.heldSinceMs ?? nowMs) : null;
  const outlived = heldSinceMs !== null && nowMs - heldSinceMs > holdMs;
  return { gated: gate === 'gate' || outlived, drained, stalled, heldSinceMs };
}

const isPrimary = ({ standing }: Member): boolean =>
  standing.kind === 'proven' && standing.role === 'primary';

/** Whether a primary takes writes and acknowledges them, as far as this is known. */
export const takesWrites = ({ managed }: State, { bars }: Member): boolean =>
  !managed || !(bars.gated || bars.drained || bars.stalled);

/** Whether nobody is ahead of it, as far as this is known. */
const isNewest = (state: State, { epoch }: Member): boolean =>
  state.highest === null || sameEpoch(epoch, state.highest);

/**
 * The primary that a switchover leaves: it refuses writes by itself, as a replica does, and has the newest data until its gate
 * is closed for good. Soon after that it is stopped, and whoever still reads there is cut off: by then the replica, which
 * becomes the primary without losing a session, has everything.
 */
export const drainedPrimary = (state: State): Member | undefined =>
  state.managed && state.writer === null
    ? [...state.members.values()].find(
        (member) =>
          isPrimary(member) &&
          member.bars.drained &&
          !member.bars.gated &&
          !foreign(state, member) &&
          isNewest(state, member) &&
          reachesFloor(state, member),
      )
    : undefined;

/** Primaries that acknowledge nothing. Where a session can only read they are better than nobody. */
export function barredPrimaries(state: State): readonly Member[] {
  if (!state.managed || state.writer !== null) return [];
  const barred = [...state.members.values()].filter(
    (member) => isPrimary(member) && !foreign(state, member) && !takesWrites(state, member),
  );
  const staying = barred.filter(({ bars }) => !bars.drained);
  return staying.length > 0 ? staying : barred;
}

/** While a switchover is under way, ms: members are asked so often, for so long. */
const hurry = { everyMs: 25, forMs: 10_000 };

/** Ms between two questions to a member, if that is less than ever. */
export function hurriedMs(state: State, nowMs: number): number | null {
  const isMoving = state.managed && state.writer === null && barredPrimaries(state).length > 0;
  return isMoving && nowMs - state.modeSinceMs < hurry.forMs ? hurry.everyMs : null;
}
