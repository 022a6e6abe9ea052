import type { KnownSelf } from '../../../../agent/core/lead/model.js';
import type { Policy } from '../../../../common/failover/shapes.js';

export const policy: Policy = {
  roles: 'managed',
  promotion: 'manual',
  durability: 'async',
  strict: false,
  paused: false,
};
export const place = { address: '127.0.0.1', port: 5432 };
export const history = { systemId: '1', timeline: 1, forks: [] };

/** A managed Postgres that runs and answers: a primary with an open gate, or a standby behind its own. */
export const running = (writable: boolean): KnownSelf => ({
  kind: 'known',
  managed: true,
  data: 'present',
  process: 'running',
  writable,
  gate: writable ? { kind: 'open', proven: true } : { kind: 'closed', proven: true },
  draining: false,
  busy: undefined,
  incarnation: 'a',
  origin: '1',
  history,
  position: '1/0/100',
  statements: 0,
  source: undefined,
  feeds: [],
  slots: [],
  replayPaused: false,
  checkpointed: true,
});
