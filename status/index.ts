/** What is known of a service and its members: one reader of Consul and of agents, and one summary of what they say. */
export { lagOf, type Lag } from './lag.js';
export { missingMembers, notStreaming, type Wanted } from './missing.js';
export type { AgentReading, ConsulEntry, ConsulReading, MemberSummary, Readings, Summary } from './model.js';
export { readAgent, readAll, readConsul, type ReadOptions } from './read.js';
export { alertsIn, nextAlerts, noAlerts, type Alert, type AlertState, type Message } from './alerts.js';
export { whyOf } from './why.js';
export { summarize, type SummarizeOptions } from './summarize.js';
export type { FailoverReading, FailoverSummary, Finding } from './failover/model.js';
export { readFailover, readHistory, type HistoryReading } from './read-failover.js';
