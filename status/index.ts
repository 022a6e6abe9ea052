/** What is known of a service and its members: one reader of Consul and of agents, and one summary of what they say. */
export { lagOf, type Lag } from './lag.js';
export { missingMembers, notStreaming, type Wanted } from './missing.js';
export type { AgentReading, ConsulEntry, ConsulReading, MemberSummary, Readings, Summary } from './model.js';
export { readAgent, readAll, readConsul, whyOf, type ReadOptions } from './read.js';
export { summarize, type SummarizeOptions } from './summarize.js';
