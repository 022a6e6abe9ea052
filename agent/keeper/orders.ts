import type { Request } from '../../common/keeper/protocol.js';
import type { LeadAction, Source } from '../core/lead/model.js';
import { slotOf } from './slots.js';

/** A drain that nothing ends is ended by the keeper after so long, in ms: longer than a switchover takes. */
const drainMs = 10_000;
/**
 * So long is waited for WAL to come in, in ms. What is set stays set, and streaming begins by itself when the source is there; meanwhile the
 * keeper must be free for what cannot wait.
 */
const followMs = 300;
/** An open gate is seen to be, in ms. Where a standby is waited for that is lost, the agent must be free to take it out. */
const openMs = 3_000;
/** So long commits may wait for a standby that is added and does not answer, in ms. */
const addMs = 2_000;

/** The keeper's order for that action; undefined: it is not the keeper's to do. */
export function orderFor(action: LeadAction, member: string): Request | undefined {
  switch (action.kind) {
    case 'manage':
      return { verb: 'init', managed: true, gate: action.gate };
    case 'release-management':
      return { verb: 'init', managed: false, gate: action.isWritable ? 'as-is' : 'close' };
    case 'close-gate':
      return { verb: 'gate', do: 'close' };
    case 'hold-gate':
      return { verb: 'gate', do: 'hold' };
    case 'finalise-gate':
      return { verb: 'gate', do: 'final' };
    case 'open-gate':
      return { verb: 'gate', do: 'open', standbys: [...action.standbys], deadlineMs: openMs };
    case 'add-standby':
      return { verb: 'gate', do: 'add', standbys: [action.standby], deadlineMs: addMs };
    case 'drain':
      return { verb: 'drain', do: 'on', resetAfterMs: drainMs };
    case 'end-drain':
      return { verb: 'drain', do: 'off' };
    case 'promote':
      return { verb: 'promote' };
    case 'fence':
      return { verb: 'fence' };
    case 'follow':
      return { verb: 'follow', deadlineMs: followMs, ...sourceFor(action.from, member) };
    case 'rejoin':
      return { verb: 'rejoin', method: action.method, ...sourceFor(action.from, member) };
    case 'checkpoint':
      return { verb: 'checkpoint' };
    case 'keep-slots':
      return { verb: 'slots', names: action.members.map(slotOf) };
    default:
      return undefined;
  }
}

const sourceFor = ({ address, port, history }: Source, member: string) => ({
  host: address,
  port,
  slot: slotOf(member),
  history,
});
