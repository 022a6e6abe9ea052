import pg from 'pg';
import type { Clock } from '../../common/clock.js';
import type { Target } from '../../common/names.js';
import type { Random } from '../../common/random.js';
import type { PoolLimits, Timings } from '../config.js';
import type { Discovery } from '../ports.js';
import { Router } from '../shell/router.js';
import { PostgresMonitors } from './monitor.js';
import { withOptions } from './options.js';
import type { SessionLink } from './session-link.js';
import { nameOf, sslForName } from './ssl.js';

export interface Ambient {
  readonly clock: Clock;
  readonly random: Random;
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
    client: (target) => clientAt(config, target),
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

interface Parsed {
  readonly user?: string;
  readonly database?: string;
  readonly password?: unknown;
  readonly ssl: boolean | object;
  readonly host: string;
  readonly connectionParameters: { host: string; port: number; options?: string };
}

/** The host in a connection string wins over `host`; so it is replaced after pg has read it. */
function clientAt(config: pg.PoolConfig, target: Target): pg.Client {
  const parsed = new pg.Client(config) as unknown as Parsed;
  const { host, port, options } = parsed.connectionParameters;
  const client = new pg.Client(
    withOptions(config, {
      ...notForMonitors,
      connectionString: undefined,
      user: parsed.user,
      database: parsed.database,
      password: parsed.password,
      options,
      host: target.host,
      port: target.port,
      ssl: sslForName(parsed.ssl, parsed.host),
    }),
  );
  // Passwords are looked up for the name, not for the address.
  if (nameOf(host) !== null)
    Object.assign((client as unknown as Parsed).connectionParameters, { host, port });
  return client;
}

export function linkFor(
  router: Router,
  clock: Clock,
  wanted: SessionLink['wanted'],
  deadlineMs: number,
): SessionLink {
  return { routing: router, clock, wanted, connectDeadlineMs: deadlineMs, readOnly: wanted === 'read' };
}
