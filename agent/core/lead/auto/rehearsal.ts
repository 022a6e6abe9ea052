import { isAlive, patienceMs, unwellMs } from './auto.js';
import type { LeadState } from '../model.js';
import { others, type View } from '../view.js';

/**
 * `roles: observe` with `promotion: auto`: what would be done without an operator is decided and said, and nothing is touched. It has no
 * lease and no record to go by, so it takes whom it saw last for the primary, and whoever streamed for its standby.
 */
export const isRehearsing = ({ policy, record }: View): boolean =>
  policy.roles === 'observe' && policy.promotion === 'auto' && record === undefined;

const memberAt = ({ config }: View, source: { address: string; port: number | undefined }) =>
  [...config.members].find(
    ([, { address, port }]) => address === source.address && port === source.port,
  )?.[0];

export function keepRehearsal(state: LeadState, view: View): LeadState['rehearsal'] {
  if (!isRehearsing(view)) return undefined;
  const { self, me, nowMs, seen } = view;
  const before = state.rehearsal;
  const since = (is: boolean) => (is ? (before?.downMs ?? nowMs) : undefined);
  if (self.process === 'running' && self.writable) {
    const fed = others(view).filter((name) =>
      self.feeds.some((feed) => feed.name === name || feed.name.startsWith(`${name}.`)),
    );
    const isDown = seen.isServing === false;
    return { primary: me, heirs: isDown ? (before?.heirs ?? fed) : fed, downMs: since(isDown) };
  }
  if (self.process === 'stopped')
    return before?.primary === me ? { ...before, downMs: since(true) } : undefined;
  const { source } = self;
  const primary = (source?.streaming ? memberAt(view, source) : undefined) ?? before?.primary;
  if (primary === undefined || primary === me) return undefined;
  return { primary, heirs: [me], downMs: since(!isAlive(view, primary)) };
}

/** A standby whose primary has been lost for long enough. */
export function isLossRehearsed(view: View): boolean {
  const found = view.state.rehearsal;
  return (
    found?.downMs !== undefined &&
    found.primary !== view.me &&
    view.config.isEligible &&
    view.nowMs - found.downMs >= patienceMs(view, found.primary)
  );
}

/** The primary, which would give its place away. */
export function isDownRehearsed({ state, self, me, nowMs }: View): boolean {
  const found = state.rehearsal;
  return (
    found?.downMs !== undefined &&
    found.primary === me &&
    found.heirs.length > 0 &&
    (self.process === 'stopped' || nowMs - found.downMs >= unwellMs)
  );
}
