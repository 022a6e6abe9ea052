import type { LeadAction, LeadConfig, LeadDecision, LeadObservation, LeadState } from './model.js';
import { blindPublication, publicationOf } from './publication.js';
import type { Row } from './row.js';
import { isStuck, letGoBlind, stuckSince } from './rows/hand-back.js';
import { keepBehindTime } from './ordered.js';
import { table } from './rows/table.js';
import { keepTime, learn } from './state.js';
import { viewOf, type View } from './view.js';

/**
 * The next single step of one member towards what record, lease and orders say. What this decides from is on disk, in Consul or in
 * the server itself, so it goes on wherever an agent before it was cut off.
 */
export function lead(
  state: LeadState,
  seen: LeadObservation,
  config: LeadConfig,
  rows: readonly Row[] = table,
): LeadDecision {
  const learnt = learn(state, seen);
  const found = viewOf(learnt, seen, config);
  const kept = {
    ...(found.view ? { ...keepTime(learnt, found.view), ...keepBehindTime(learnt, found.view) } : learnt),
    stuckMs: stuckSince(learnt, seen, config, found.why !== undefined),
  };
  const view: View | undefined = found.view && { ...found.view, state: kept };
  const row = view && rows.find((each) => fits(each, view));
  const isFence = row?.id.startsWith('fence') === true;
  const why =
    found.why ?? (view?.self.busy !== undefined && isStuck(kept, seen.nowMs) ? isBusy(view) : undefined);
  if (!view || !row || (why !== undefined && !isFence)) {
    const isLetGo = isStuck(kept, seen.nowMs) && !isTooEarly(kept, 'release', seen.nowMs);
    return {
      state: kept,
      action: isLetGo ? letGoBlind : undefined,
      row: isLetGo ? 'blind-release' : 'blind',
      sentence: `${isLetGo ? 'the lease is let go unused' : 'its role stays as it is'}: ${why}`,
      publish: blindPublication(kept, seen, config),
      wakeAtMs: undefined,
    };
  }
  const wanted = view.self.busy === undefined || isFence ? row.does?.(view) : undefined;
  const isEarly = wanted !== undefined && isTooEarly(kept, wanted.kind, seen.nowMs);
  const wakeAfterMs = typeof row.wakeAfterMs === 'function' ? row.wakeAfterMs(view) : row.wakeAfterMs;
  const wakeAtMs = isEarly
    ? kept.retry?.atMs
    : wakeAfterMs === undefined
      ? undefined
      : seen.nowMs + wakeAfterMs;
  return {
    state: kept,
    action: isEarly ? undefined : wanted,
    row: row.id,
    sentence: row.says(view),
    publish: publicationOf(view),
    wakeAtMs,
  };
}

const isBusy = ({ self }: View) => `the keeper is busy with ${self.busy}`;

const isTooEarly = ({ retry }: LeadState, kind: LeadAction['kind'], nowMs: number) =>
  retry?.kind === kind && nowMs < retry.atMs;

/** Whether the row is about what is seen. */
export function fits(row: Row, view: View): boolean {
  return (
    (row.in === 'any' || row.in.includes(view.situation)) &&
    (row.lease === 'any' || row.lease.includes(view.lease)) &&
    (row.when?.(view) ?? true)
  );
}
