import { UserError, messageOf } from '../../common/errors.js';
import type { FailoverReport, OrderRequest } from '../../common/failover/report.js';
import type { FailoverOrder, Policy } from '../../common/failover/shapes.js';
import { systemClock } from '../../common/runtime/clock.js';
import type { Io } from '../io.js';
import type { ChangeOptions } from './options.js';
import { secretFor, type Team } from './team.js';
import { interrupted, placeOrder, type Told } from './tell.js';
import { isFollowing, isOpen, isStanding, newestRecord, Patience, verdictOf } from './verdict.js';
import { Watch } from './watch.js';

/** How a command ended; with `-o json` it is what is printed. */
export interface Ended {
  readonly service: string;
  readonly outcome: 'done' | 'degraded' | 'refused' | 'failed' | 'unknown' | 'interrupted';
  readonly exitCode: number;
  /** What it came to, and what to do where it is not done. */
  readonly sentence: string;
  readonly order?: FailoverOrder;
  readonly epoch?: number;
  readonly tookMs?: number;
  readonly policy?: Policy;
}

export interface Waits {
  /** For the order itself, in ms. */
  readonly orderMs: number;
  /** After it, for a gate that is to open; for a member that is to follow, without a sign that it is on its way, in ms. */
  readonly followMs: number;
  /** For a member that is to follow and is being rewound or cloned, in all, in ms. */
  readonly rejoinMs: number;
  /** For a target that waits for the fence of the old primary, in ms: then the order is taken back. */
  readonly fenceMs: number;
}
export const waits: Waits = { orderMs: 60_000, followMs: 20_000, rejoinMs: 600_000, fenceMs: 10_000 };

export interface Errand {
  readonly team: Team;
  readonly reports: readonly FailoverReport[];
  readonly request: OrderRequest;
  readonly options: ChangeOptions;
  readonly io: Io;
  readonly waits: Waits;
}

/** Whom to tell: the agent that holds the lease first, as it decides. */
export function toldBy({ team, reports, options, io }: Omit<Errand, 'request' | 'waits'>): Told {
  const { file, secret } = secretFor(team, options, reports[0]?.member ?? '', io);
  return { urls: team.urls, service: team.service, secret, secretFile: file, stop: io.stop };
}

/** Places the order and stays with it until it has ended. Rejects with a UserError when it could not be placed. */
export async function carryOut(errand: Errand): Promise<Ended> {
  const { team, reports, request, io } = errand;
  const told = toldBy(errand);
  const startedMs = systemClock.nowMs();
  const order = await placeOrder(told, request);
  if (!order) throw new UserError('an agent took an order back where it was to place one');
  const watch = new Watch(team, reports, systemClock, (member, sentence) =>
    io.err(`${since(startedMs)} ${member}: ${sentence}\n`),
  );
  try {
    const ended = await stayWith(watch, order, told, errand);
    return {
      service: team.service,
      order,
      tookMs: Math.round(systemClock.nowMs() - startedMs),
      ...ended,
    };
  } catch (error) {
    if (!io.stop.aborted) throw error;
    return {
      service: team.service,
      outcome: 'interrupted',
      exitCode: interrupted,
      sentence: goesOn(order),
      order,
    };
  } finally {
    watch.close();
  }
}

/** Like `   0.4 s`. */
const since = (startedMs: number): string =>
  `${((systemClock.nowMs() - startedMs) / 1_000).toFixed(1).padStart(5)} s`;

const goesOn = (order: FailoverOrder): string =>
  order.kind === 'rejoin'
    ? `only this command ends: ${order.member} goes on being rebuilt, and "hotspare status" shows how far it is. What has begun cannot be taken back; "hotspare withdraw" removes an order that no agent has begun`
    : `only this command ends: the agents go on with the order. "hotspare withdraw" takes it back while that can be; "hotspare status" shows where it stands, "hotspare history" how it ended`;

type End = Omit<Ended, 'service' | 'order'>;

async function stayWith(
  watch: Watch,
  order: FailoverOrder,
  told: Told,
  { reports, io, waits }: Errand,
): Promise<End> {
  const clock = systemClock;
  const epochBefore = newestRecord(reports)?.epoch ?? 0;
  let wasSeen = false;
  let goneSinceMs: number | undefined;
  let unfencedSinceMs: number | undefined;
  const verdict = await watch.until(clock.nowMs() + waits.orderMs, io.stop, ({ reports, events }) => {
    const nowMs = clock.nowMs();
    const standing = isStanding(reports, order.id);
    // Consul may show it late: what was never seen is not gone.
    wasSeen ||= standing === true;
    goneSinceMs = wasSeen && standing === false ? (goneSinceMs ?? nowMs) : undefined;
    const waitsForFence = reports.some(
      ({ member, row }) => order.kind === 'promote' && member === order.to && row === 'take-ordered-wait',
    );
    unfencedSinceMs = waitsForFence ? (unfencedSinceMs ?? nowMs) : undefined;
    if (unfencedSinceMs !== undefined && nowMs - unfencedSinceMs >= waits.fenceMs)
      return { kind: 'unfenced' } as const;
    const goneMs = goneSinceMs === undefined ? undefined : nowMs - goneSinceMs;
    const verdict = verdictOf({ order, epochBefore, reports, events, goneMs });
    return verdict.kind === 'going' ? undefined : verdict;
  });
  switch (verdict?.kind) {
    case undefined:
      return {
        outcome: 'unknown',
        exitCode: 5,
        sentence: `no end within ${waits.orderMs / 1_000} s: ${goesOn(order)}`,
      };
    case 'unfenced':
      return unfenced(order, told, reports);
    case 'refused':
      return { outcome: 'refused', exitCode: 4, sentence: verdict.why };
    case 'failed':
      return { outcome: 'failed', exitCode: 1, sentence: verdict.why };
    case 'done':
      return { ...(await settled(watch, order, verdict.epoch, io, waits)), epoch: verdict.epoch };
  }
}

/** The order must not lie in wait for the old primary to come back. */
async function unfenced(order: FailoverOrder, told: Told, reports: readonly FailoverReport[]): Promise<End> {
  const old = newestRecord(reports)?.members[0]?.name ?? 'the old primary';
  const why = `${old} is not known to be fenced: it may still run and acknowledge commits`;
  const to = order.kind === 'promote' ? order.to : '';
  try {
    await placeOrder(told, { kind: 'withdraw', id: order.id });
  } catch (error) {
    return {
      outcome: 'unknown',
      exitCode: 5,
      sentence: `${why}, and the order could not be taken back (${messageOf(error)}): "hotspare withdraw" tries again`,
    };
  }
  return {
    outcome: 'refused',
    exitCode: 4,
    sentence: `${why}. The order was taken back. Bring the agent of ${old} back, or see to it that ${old} is off, and then: hotspare promote ${to} --old-primary-is-off`,
  };
}

/** The order is through: the new primary opens its gate, and the other member follows. */
async function settled(
  watch: Watch,
  order: FailoverOrder,
  epoch: number,
  io: Io,
  waits: Waits,
): Promise<Omit<End, 'epoch'>> {
  const follows = async (member: string): Promise<boolean> => {
    const bounds = { quietMs: waits.followMs, inAllMs: waits.rejoinMs };
    const patience = new Patience(member, systemClock.nowMs(), bounds);
    const found = await watch.until(Infinity, io.stop, ({ reports }) => {
      if (isFollowing(reports, member)) return 'yes';
      return patience.isOver(reports, systemClock.nowMs()) ? 'late' : undefined;
    });
    return found === 'yes';
  };
  const look = '"hotspare status" tells';
  if (order.kind === 'rejoin') {
    if (await follows(order.member))
      return { outcome: 'done', exitCode: 0, sentence: `${order.member} follows the primary again` };
    return {
      outcome: 'degraded',
      exitCode: 3,
      sentence: `${order.member} was rebuilt and does not follow yet: ${look} why`,
    };
  }
  const { to } = order;
  const openBy = systemClock.nowMs() + waits.followMs;
  if (!(await watch.until(openBy, io.stop, ({ reports }) => isOpen(reports, to) || undefined)))
    return {
      outcome: 'degraded',
      exitCode: 3,
      sentence: `${to} is promoted, epoch ${epoch}, and its gate is not open yet: ${look} why`,
    };
  const done = `${to} is the primary, epoch ${epoch}`;
  if (order.kind === 'promote') return { outcome: 'done', exitCode: 0, sentence: done };
  io.err(`        ${done}; ${order.from} is made to follow it\n`);
  if (await follows(order.from))
    return { outcome: 'done', exitCode: 0, sentence: `${done}; ${order.from} follows it` };
  return {
    outcome: 'degraded',
    exitCode: 3,
    sentence: `${done}; ${order.from} does not follow it yet: ${look} why`,
  };
}
