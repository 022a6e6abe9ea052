import { doubtOf, healthAfter } from './health.js';
import type { Decision, ServiceState, Observation, Remembered, ServiceModel } from './model.js';
import { publish } from './publish/publish.js';
import { freshPublishing, publishingAfter } from './publish/publishing.js';

/** Before anything was observed. `remembered`: what an earlier run of the agent saw last. */
export function initialState(remembered: Remembered | undefined): ServiceState {
  return {
    health: { kind: 'unseen', remembered },
    missesInARow: 0,
    probedMs: undefined,
    publishing: freshPublishing,
  };
}

/** The one function that decides, for one service: what its member is now, and what is to be done about it. */
export function decide(state: ServiceState, observation: Observation, config: ServiceModel): Decision {
  const next: ServiceState = {
    ...state,
    ...healthAfter(state, observation, config),
    publishing: publishingAfter(state.publishing, observation),
  };
  const { actions, reason, wakeAtMs } = publish(next, observation, config);
  const probeAgain = doubtOf(state, observation, config) && { deadlineShare: config.confirmingShare };
  return { state: next, actions, probeAgain, reasons: { publish: reason }, wakeAtMs };
}
