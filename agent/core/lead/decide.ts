import type { LeadConfig, LeadDecision, LeadObservation, LeadState } from './model.js';
import { publicationOf } from './publication.js';
import type { Row } from './row.js';
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
  if ('why' in found)
    return {
      state: learnt,
      action: undefined,
      row: 'blind',
      sentence: `nothing is decided: ${found.why}`,
      publish: 'unchanged',
      wakeAtMs: undefined,
    };
  const kept = keepTime(learnt, found.view);
  const view: View = { ...found.view, state: kept };
  const row = rows.find((each) => fits(each, view)) as Row;
  const wanted = view.self.busy === undefined || row.id.startsWith('fence') ? row.does?.(view) : undefined;
  const isEarly = wanted !== undefined && kept.retry?.kind === wanted.kind && seen.nowMs < kept.retry.atMs;
  const wakeAtMs = isEarly
    ? kept.retry?.atMs
    : row.wakeAfterMs === undefined
      ? undefined
      : seen.nowMs + row.wakeAfterMs;
  return {
    state: kept,
    action: isEarly ? undefined : wanted,
    row: row.id,
    sentence: row.says(view),
    publish: publicationOf(view),
    wakeAtMs,
  };
}

/** Whether the row is about what is seen. */
export function fits(row: Row, view: View): boolean {
  return (
    (row.in === 'any' || row.in.includes(view.situation)) &&
    (row.lease === 'any' || row.lease.includes(view.lease)) &&
    (row.when?.(view) ?? true)
  );
}
