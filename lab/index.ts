/** What the command line and the tests use of the lab. */
export { down, nuke } from './down.js';
export { faults, inflict, unitsNamed, type Fault } from './faults.js';
export { openLab, type Lab } from './lab.js';
export { boxPaths, labFiles, labSettings, type LabSettings } from './layout.js';
export { labStatus, statusText, type LabStatus } from './status.js';
export { up } from './up.js';
