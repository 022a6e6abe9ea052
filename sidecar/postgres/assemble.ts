import pg from 'pg';
import type { Clock } from '../../common/clock.js';
import type { Target } from '../../common/names.js';
import type { Random } from '../../common/random.js';
import type { PoolLimits, Timings } from '../config.js';
import type { Discovery } from '../ports.js';
import { Router } from '../shell/router.js';
import { PostgresMonitors } from './monitor.js';
import type { SessionLink } from './session.js';
import { sslForName } from './ssl.js';

export interface Ambient {
  readonly clock: Clock;
  readonly random: Random;
}

/** A copy with other values. pg-pool hides `password` from enumeration: spreading alone would lose it. */
export function withOptions<T extends object>(config: T, changes: object): T {
  const copy = { ...config, ...changes } as T;
  if ('password' in config && !('password' in changes))
    Object.defineProperty(copy, 'password', {
      value: config.password,
      enumerable: false,
      configurable: true,
      writable: true,
    });
  return copy;
}

export function connectDeadlineMs(config: pg.PoolConfig, timings: Timings): number {
  // A little before pg-pool's own timer, whose error says nothing about why.
  const own = config.connectionTimeoutMillis;
  return own ? own * 0.9 : timings.connectDeadlineMs;
}

/** Keys that make sense for an app's session, not for a monitor. */
const notForMonitors = {
  connectionTimeoutMillis: 0,
  query_timeout: 0,
  application_name: 'hotspare-monitor',
  pipeline: false,
};

/** A router with a monitor session to every member, connecting as the config says. Nothing runs before `start`. */
export function assemble(
  config: pg.PoolConfig,
  discovery: Discovery,
  timings: Timings,
  limits: PoolLimits,
  { clock, random }: Ambient,
): Router {
  const monitors: PostgresMonitors = new PostgresMonitors({
    client: (target) => new pg.Client(atTarget(config, target)),
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

/** The host in a connection string wins over `host`; so it is replaced after pg has read it. */
function atTarget(config: pg.PoolConfig, target: Target): pg.ClientConfig {
  const parsed = new pg.Client(config) as unknown as {
    user?: string;
    database?: string;
    ssl: boolean | object;
    host: string;
    connectionParameters: { options?: string };
  };
  return withOptions(config, {
    ...notForMonitors,
    connectionString: undefined,
    user: parsed.user,
    database: parsed.database,
    password: (parsed as { password?: unknown }).password,
    options: parsed.connectionParameters.options,
    host: target.host,
    port: target.port,
    ssl: sslForName(parsed.ssl, parsed.host),
  });
}

export function linkFor(
  router: Router,
  clock: Clock,
  wanted: SessionLink['wanted'],
  deadlineMs: number,
): SessionLink {
  return { routing: router, clock, wanted, connectDeadlineMs: deadlineMs, readOnly: wanted === 'read' };
}
