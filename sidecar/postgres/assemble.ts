import type pg from 'pg';
import type { Clock } from '../../common/clock.js';
import type { Random } from '../../common/random.js';
import type { PoolLimits, Timings } from '../config.js';
import type { Discovery } from '../ports.js';
import { Router } from '../shell/router.js';
import { PostgresMonitors } from './monitor.js';
import { monitorClient } from './monitor-client.js';
import type { SessionLink } from './session-link.js';

export interface Ambient {
  readonly clock: Clock;
  readonly random: Random;
}

export function connectDeadlineMs(config: pg.PoolConfig, timings: Timings): number {
  // A little before pg-pool's own timer, whose error says nothing about why.
  const own = config.connectionTimeoutMillis;
  return own ? own * 0.9 : timings.connectDeadlineMs;
}

/** A router with a monitor session to every member, connecting as `options` says then. Nothing runs before `start`. */
export function assemble(
  options: () => pg.PoolConfig,
  discovery: Discovery,
  timings: Timings,
  limits: PoolLimits,
  { clock, random }: Ambient,
): Router {
  const monitors: PostgresMonitors = new PostgresMonitors({
    client: (target) => monitorClient(options(), target),
    clock,
    random,
    timings: {
      heartbeatIntervalMs: timings.heartbeatIntervalMs,
      heartbeatTimeoutMs: timings.heartbeatTimeoutMs,
      reconnectMs: timings.reconnectMs,
      reconnectSlowMs: timings.reconnectMs * 5,
      reconnectPatienceMs: 600_000,
    },
    bytesReadFrom: (target) => router.bytesReadFrom(target),
    onRefused: (target, error) => router.refused(target, error),
  });
  const router: Router = new Router({
    discovery,
    monitors,
    clock,
    random,
    config: {
      maxReplicaLagBytes: limits.maxReplicaLagBytes,
      forgetAfterMs: timings.forgetAfterMs,
      tickMs: 1_000,
      patienceMs: timings.connectDeadlineMs,
    },
  });
  return router;
}

export function linkFor(
  router: Router,
  clock: Clock,
  wanted: SessionLink['wanted'],
  deadlineMs: () => number,
): SessionLink {
  return { routing: router, clock, wanted, connectDeadlineMs: deadlineMs, readOnly: wanted === 'read' };
}
