import { sameTarget, targetKey, type Mode } from '../../../common/names.js';
import { eligible, replicas } from './eligible.js';
import { atStart, chooseWriter, explain, primaryMayFollow, unheard } from './judgement.js';
import { barredPrimaries } from '../managed/bars.js';
import type { Decision, Effect, RouteConfig, State } from '../model.js';
import { withMove } from '../members/moving.js';
import type { Reason } from '../model.js';
import { idOf, settled } from '../members/system.js';

/** From the members to writer, mode and the effects of their change. */
export function conclude(
  before: State,
  heard: State,
  asked: readonly Effect[],
  nowMs: number,
  config: RouteConfig,
): Decision {
  const observed = withMove(settled(heard), nowMs);
  const writer = chooseWriter(observed);
  const withWriter: State = { ...observed, writer };
  const starting = atStart(before) && writer === null && primaryMayFollow(observed);
  const mode: Mode = writer
    ? 'read-write'
    : !starting && (replicas(withWriter, config).length > 0 || barredPrimaries(withWriter).length > 0)
      ? 'read-only'
      : 'down';
  const changed = mode !== before.mode;
  const moved = movedBetween(before, observed);
  const rerouted = writer !== null && before.writer !== null && !sameTarget(writer, before.writer);
  const reason: Reason =
    moved ??
    (starting
      ? before.reason
      : changed || rerouted || unheard(before)
        ? explain(before, withWriter, config)
        : before.reason);
  const state: State = {
    ...withWriter,
    mode,
    reason,
    modeSinceMs: changed ? nowMs : before.modeSinceMs,
  };
  const effects = [...asked];
  if (unfit(before, state, config)) effects.push({ do: 'retire' });
  if (changed || moved) effects.push({ do: 'mode', mode, previous: before.mode, reason });
  if (moved) effects.push({ do: 'remember', systemId: moved.to });
  if (before.writer && !writer) effects.push({ do: 'lookup' });
  // Whoever takes over is being promoted now, and says so only when asked.
  if (before.writer && !writer && state.managed)
    for (const { target, standing } of state.members.values())
      if (standing.kind === 'proven') effects.push({ do: 'probe', target });
  return { state, effects: inOrder(effects) };
}

/** What is to be said of a move to another database, if there was one. */
function movedBetween(before: State, { system }: State): (Reason & { kind: 'moved' }) | null {
  const from = idOf(before.system);
  if (system.kind !== 'own' || system.by !== 'move' || system.systemId === from) return null;
  return { kind: 'moved', from, to: system.systemId };
}

/** Whether a session that fitted before may not fit any more. */
function unfit(before: State, after: State, config: RouteConfig): boolean {
  return (['main', 'read'] as const).some((use) => {
    const now = eligible(after, use, config);
    return eligible(before, use, config).some((target) => !now.some((other) => sameTarget(other, target)));
  });
}

const order: readonly Effect['do'][] = [
  'destroy',
  'retire',
  'mode',
  'watch',
  'unwatch',
  'probe',
  'lookup',
  'confirm',
  'remember',
];

function inOrder(effects: readonly Effect[]): readonly Effect[] {
  const once = new Map<string, Effect>();
  for (const effect of effects)
    once.set('target' in effect ? `${effect.do} ${targetKey(effect.target)}` : effect.do, effect);
  return [...once.values()].sort((a, b) => order.indexOf(a.do) - order.indexOf(b.do));
}
