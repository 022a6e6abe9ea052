import { join } from 'node:path';
import type { Clock } from '../common/clock.js';
import { ConsulConnection } from '../common/consul/connection.js';
import type { Random } from '../common/random.js';
import type { Secret } from '../common/secret.js';
import { messageOf, UserError } from '../common/errors.js';
import type { ServiceManager } from '../common/service-manager.js';
import type { AgentConfig, ServiceConfig } from './config.js';
import type { FailoverConfig } from './config/failover.js';
import { leaseOf } from './consul/lease/lease.js';
import { Keeper } from './keeper/keeper.js';
import { comparePositions, distanceBetween, hasAllOf } from './keeper/position.js';
import { LedgerFile } from './memory/ledger.js';
import { HttpPeers } from './peers/peers.js';
import type { Kept } from './ports.js';
import type { LeadParts } from './shell/lead/service-lead.js';

/** Of each call to Consul, in ms. */
const consulDeadlineMs = 2_000;
/** Of a question to another agent, in ms: one that does not answer must not hold up the rest. */
const peerDeadlineMs = 300;

export interface LeadSurroundings {
  readonly config: AgentConfig;
  readonly token: Kept<Secret> | undefined;
  readonly manager: ServiceManager;
  readonly clock: Clock;
  readonly random: Random;
}

/** Puts together what leads a service; undefined where its roles are only observed. Throws a UserError. */
export function leadPartsFor(service: ServiceConfig, around: LeadSurroundings): LeadParts | undefined {
  const failover = 'failover' in service ? service.failover : undefined;
  if (!failover) return undefined;
  const { config, token, manager, clock, random } = around;
  const { box } = config;
  checkOwnPlace(failover, service, box);
  const connection = new ConsulConnection({
    url: config.consul.url,
    clock,
    token: () => token?.current().reveal(),
  });
  const { lease, events } = leaseOf({
    connection,
    token,
    name: `Consul at ${config.consul.url}`,
    service: service.name,
    serviceId: `${service.name}@${box}`,
    deadlineMs: consulDeadlineMs,
    clock,
    random,
  });
  return {
    service: service.name,
    config: {
      member: box,
      members: failover.members,
      firstPolicy: failover.firstPolicy,
      compare: comparePositions,
      hasAllOf,
      distance: distanceBetween,
      maxLag: failover.maxLagBytes,
      isEligible: failover.priority !== 0,
    },
    eligible: failover.priority === 0 ? { ok: false, why: `${box} has priority: 0` } : { ok: true },
    keeper: new Keeper({ socket: failover.keeper, member: box, clock }),
    lease,
    events,
    ledger: new LedgerFile(join(config.stateDir, `failover-${service.name}.json`)),
    peers: new HttpPeers({
      service: service.name,
      agents: failover.members,
      deadlineMs: peerDeadlineMs,
      clock,
    }),
    startProcess: () => start(service, manager),
    close: () => connection.close(),
  };
}

async function start({ unit, name }: ServiceConfig, manager: ServiceManager): Promise<void> {
  if (unit === undefined)
    throw new Error(`${name} has no unit here: set unit: in its entry of the agent's configuration`);
  try {
    await manager.start(unit);
  } catch (error) {
    throw new Error(`${unit} cannot be started: ${messageOf(error)}`, { cause: error });
  }
}

/** What the others know of this member, and what this box says of itself, must be the same. */
function checkOwnPlace(
  { members }: FailoverConfig,
  { address, port, name }: ServiceConfig,
  box: string,
): void {
  const own = members.get(box);
  if (!own)
    throw new UserError(
      `failover.members of ${name} does not name this box, ${box}; it names ${[...members.keys()].join(', ')}`,
      { exitCode: 2 },
    );
  if (own.address !== address || own.port !== port)
    throw new UserError(
      `failover.members of ${name} has ${box} at ${own.address}:${own.port}, and the service is at ${address}:${port}`,
      { exitCode: 2 },
    );
}
