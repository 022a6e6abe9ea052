/**
 * The library: `import { Pool } from 'hotspare'`, or `const { Pool } = require('hotspare')`. Made from its docstrings by
 * typedoc; what `pg` documents is not repeated here. The guide is docs/LIBRARY.md; every error and what to do, docs/ERRORS.md;
 * what is promised when, docs/PROMISES.md.
 * @module
 */
export { Client, type ClientConfig } from './client.js';
export { Pool, type PoolConfig } from './pool.js';
export { Resolver, type ProposedTopology } from './resolver.js';
export {
  ConnectionLostError,
  DownError,
  HotspareError,
  isHotspareError,
  ModeTimeoutError,
  OutcomeUnknownError,
  ReadOnlyError,
  type Retry,
} from './errors.js';
export { ConfigError } from '../common/errors.js';
export type { DiscoveryOptions } from './discovery-options.js';
export type { HotspareOptions } from './options.js';
export type { ModeDetail } from './postgres/pool/modes/mode-news.js';
export type { ReadToken } from './postgres/pool/reads/readers.js';
export type { MemberInfo, Topology } from './postgres/pool/topology.js';
export type { TransactionOptions } from './postgres/pool/transaction.js';
export type { Mode, Role, Target } from '../common/names.js';
