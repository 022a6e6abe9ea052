import type pg from 'pg';
import { AwakeClock } from '../../../common/awake-clock.js';
import type { Clock } from '../../../common/clock.js';
import type { Random } from '../../../common/random.js';
import type { PoolLimits } from '../../config/pool.js';
import type { Timings } from '../../config/timings.js';
import type { Discovery } from '../../ports.js';
import { mostFollowed } from '../../core/members/seats.js';
import type { RouterListeners } from '../../shell/router-parts.js';
import { Router } from '../../shell/router.js';
import { PostgresMonitors } from '../proof/monitor.js';
import type { OwnSide } from '../proof/own-side.js';
import { inFlightOn } from '../session/pg-internals/statements.js';
import { monitorClient } from '../session/monitor/monitor-client.js';
import { Turn } from '../session/connect/turn.js';
import type { ConnectBound, SessionLink } from '../session/session-link.js';
import { SharedPasswords } from '../session/monitor/shared-passwords.js';

export interface Ambient {
  readonly clock: Clock;
  /** For deadlines that judge others. */
  readonly awake: Clock;
  readonly random: Random;
}

export interface Assembled {
  readonly discovery: Discovery;
  readonly timings: Timings;
  readonly limits: PoolLimits;
  readonly systemId: string | null;
}

/** So long the app's own functions may keep a log-in at a stretch, unless `connectionTimeoutMillis` says otherwise. */
const ownSideMs = 10_000;

/** Without `connectionTimeoutMillis`, the time that the app's own functions take does not count. */
export function connectBound(
  config: pg.PoolConfig,
  timings: Timings,
  { patience }: Router,
  awake: Clock,
): ConnectBound {
  // A little before pg-pool's own timer, whose error says nothing about why.
  const whole = config.connectionTimeoutMillis;
  return whole
    ? { ms: whole * 0.9, clock: awake, own: { hold: () => noop, clock: awake, mostMs: whole } }
    : {
        ms: timings.connectDeadlineMs,
        clock: patience,
        own: { hold: () => patience.hold(), clock: awake, mostMs: ownSideMs },
      };
}

const noop = () => {};

/** A router with a monitor session to every member, connecting as `options` says then. Nothing runs before `start`. */
export function assemble(
  options: () => pg.PoolConfig,
  { discovery, timings, limits, systemId }: Assembled,
  { clock, awake, random }: Ambient,
  listeners: RouterListeners,
): Router {
  const patience = new AwakeClock(clock);
  const passwords = new SharedPasswords(clock, ownSideMs);
  const monitors: PostgresMonitors = new PostgresMonitors({
    clock,
    awake,
    logIn: (target, heldUp) => {
      const client = monitorClient(options(), target, passwords);
      const mostMs = options().connectionTimeoutMillis || ownSideMs;
      const own: OwnSide = { hold: () => patience.hold(), clock: awake, mostMs };
      return { client, turn: new Turn(client, own, heldUp) };
    },
    random,
    timings: {
      heartbeatTimeoutMs: timings.heartbeatTimeoutMs,
      reconnectMs: timings.reconnectMs,
      reconnectSlowMs: timings.reconnectMs * 5,
      reconnectPatienceMs: 600_000,
    },
    restMs: () => Math.min(timings.heartbeatIntervalMs, router.hurriedMs() ?? Infinity),
    bytesReadFrom: (target) => router.bytesReadFrom(target),
    onRefused: (target, error) => router.refused(target, error),
  });
  const router: Router = new Router({
    listeners,
    discovery,
    monitors,
    clock,
    patience,
    random,
    inFlight: inFlightOn,
    onCrowd: onCrowd(),
    config: {
      maxReplicaLagBytes: limits.maxReplicaLagBytes,
      forgetAfterMs: timings.forgetAfterMs,
      freshMs: timings.heartbeatIntervalMs + timings.heartbeatTimeoutMs / 2,
      systemId,
      tickMs: 1_000,
      patienceMs: timings.connectDeadlineMs,
      ackTimeoutMs: limits.ackTimeoutMs,
    },
  });
  return router;
}

/** Said once. */
function onCrowd(): (listed: number) => void {
  let said = false;
  return (listed) => {
    if (said) return;
    said = true;
    const text = `${listed} members are listed under one name; ${mostFollowed} are followed, and who does not answer gives its place to the next. Take those that are none out of the list.`;
    process.emitWarning(text, { type: 'HotspareWarning', code: 'HOTSPARE_MEMBERS' });
  };
}

export function linkFor(
  router: Router,
  clock: Clock,
  wanted: SessionLink['wanted'],
  bound: () => ConnectBound,
): SessionLink {
  return { routing: router, clock, random: router.random, wanted, bound, readOnly: wanted === 'read' };
}
