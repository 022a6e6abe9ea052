/** What the `hotspare` command uses of the boxes' own room. */
export { boxStates, checkHost, chooseSubnet, prepareBoxes, settleBoxes, type BoxState } from './boxes.js';
export { providers, type Provider } from './preflight/model.js';
export { findingsAsJson, hasErrors, renderFindings } from './preflight/render.js';
export { NotHealthy } from './settle/settle.js';
