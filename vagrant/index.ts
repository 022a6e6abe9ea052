/** What the `hotspare` command uses of the boxes' own room. */
export { automaticSubnet } from './preflight/checks/virtualbox.js';
export { preflight } from './preflight/checks.js';
export { gather, type GatherOptions } from './preflight/gather.js';
export { providers } from './preflight/model.js';
export { madeBoxes } from './preflight/sources/vagrant.js';
export type { Finding, FindingCode, HostFacts, Plan, PlannedBox, Provider } from './preflight/model.js';
export { findingsAsJson, hasErrors, renderFindings } from './preflight/render.js';
export {
  loadSettings,
  resolveSettings,
  saveSettings,
  type ResolvedSettings,
  type Settings,
  type TopologyDefaults,
} from './settings.js';
export { checkHost, prepareBoxes, settleBoxes, type BoxState } from './boxes.js';
