/** What other rooms use to turn a topology into the files of its boxes. */
export { LostManagementToken, setUpAcl, waitForLeader, type AclSetup } from './consul/set-up.js';
export { filesOf, type BoxFile, type Concern, type Owner } from './files/files.js';
export { firewallOf, openings, type FirewallRule, type Opening } from './services/derived/firewall.js';
export { payloadOf, stepsOf, type Payload } from './box/payload.js';
export { boxesSite, type BoxesSettings } from './site/real-boxes.js';
export { programs, programsOn, serviceNames } from './services/index.js';
export type { Program, Service } from './services/program.js';
export { consulUrl, todoUrls, whatDoesNotStream, whatIsMissing } from './site/health.js';
export { loadOrMakeSecrets, makeSecrets, type Secrets } from './site/secrets.js';
export {
  addressOf,
  portOf,
  type BoxPaths,
  type BoxesSite,
  type LabSite,
  type PortName,
  type Site,
} from './site/site.js';
export {
  boxesWith,
  consulServersOf,
  loadTopology,
  type Box,
  type Group,
  type Topology,
} from './topology/topology.js';
export { makeFolder, writeFiles, type Account } from './files/write.js';
