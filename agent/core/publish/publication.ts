import type { Decision, Reason } from '../model.js';

/** What is to be written into Consul, and why. */
export interface Publication extends Pick<Decision, 'actions' | 'wakeAtMs'> {
  readonly reason: Reason;
}

export const nothing = (reason: Reason, wakeAtMs?: number): Publication => ({
  actions: [],
  reason,
  wakeAtMs,
});
