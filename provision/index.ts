/** What other rooms use to turn a topology into the files of its boxes. */
export { LostManagementToken, setUpAcl, waitForLeader, type AclSetup } from './consul-acl.js';
export { filesOf, type BoxFile, type Concern, type Owner } from './files.js';
export { firewallOf, openings, type FirewallRule, type Opening } from './firewall.js';
export { payloadOf, stepsOf, type Payload, type Step } from './payload.js';
export { boxesSite, type BoxesSettings } from './real-boxes.js';
export { consulUrl, todoUrls, whatIsMissing } from './health.js';
export { loadOrMakeSecrets, makeSecrets, type Secrets } from './secrets.js';
export {
  addressOf,
  portOf,
  type BoxPaths,
  type BoxesSite,
  type LabSite,
  type PortName,
  type Site,
} from './site.js';
export {
  boxesWith,
  consulServersOf,
  loadTopology,
  serviceNames,
  type Box,
  type Group,
  type ServiceName,
  type Topology,
} from './topology.js';
export { makeFolder, writeFiles, type Account } from './write.js';
