import { targetKey, type Role, type Target } from '../../../common/names.js';
import { noBars } from '../managed/bars.js';
import type { Member, Standing, State } from '../model.js';

export function newMember(target: Target): Member {
  return {
    target,
    standing: { kind: 'unknown' },
    remembered: false,
    listed: [],
    idleSinceMs: null,
    told: null,
    published: null,
    epoch: null,
    lsn: null,
    lagBytes: null,
    heardAtMs: null,
    replayAgeMs: null,
    bars: noBars,
  };
}

export const memberOf = (state: State, target: Target): Member =>
  state.members.get(targetKey(target)) ?? newMember(target);

/** Only members that were proposed are kept: a late report about a forgotten one does not bring it back. */
export function withMember(state: State, member: Member): State {
  const key = targetKey(member.target);
  if (!state.members.has(key)) return state;
  return { ...state, members: new Map(state.members).set(key, member) };
}

export const proven = (role: Role): Standing => ({
  kind: 'proven',
  role,
  suspect: false,
  contradicted: false,
  silences: 0,
});

export function idleSince(listed: readonly Role[], member: Member, nowMs: number): number | null {
  if (listed.length > 0 || member.standing.kind === 'proven') return null;
  return member.idleSinceMs ?? nowMs;
}
