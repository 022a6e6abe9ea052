import type { Random } from '../../common/random.js';

/** CPU time that one thing costs, ms of one core. From `npm run bench:herd`. */
export interface UnitCosts {
  /** A blocking query that ends and is asked again: the agent. */
  readonly renewalMs: number;
  /** One resolver that is told of a change: the agent. */
  readonly toldMs: number;
  /** One DNS question that the agent answers from its cache. */
  readonly cachedLookupMs: number;
  /** One that it hands on: the agent, and the server. */
  readonly lookupAgentMs: number;
  readonly lookupServerMs: number;
}

export interface Fleet {
  readonly agents: number;
  readonly resolversPerAgent: number;
  /** Connections that an agent takes from its resolvers; 0: they use DNS alone. */
  readonly connections: number;
  readonly dnsCache: boolean;
}

export interface Forecast {
  readonly resolvers: number;
  readonly told: number;
  readonly atRest: {
    readonly serverQueriesPerSecond: number;
    /** Fractions of a core; of one agent, and of the server that answers all of them. */
    readonly agentCpu: number;
    readonly serverCpu: number;
  };
  readonly failover: {
    readonly serverQueries: number;
    /** In the fullest second. */
    readonly serverPeakPerSecond: number;
    readonly agentCpuMs: number;
    readonly serverCpuMs: number;
    /** After the change of the catalogue; null: nobody is told. */
    readonly toldMs: Times | null;
    /** After an app's own next error; null: nobody has to ask. */
    readonly askedMs: Times | null;
  };
}

export interface Times {
  readonly median: number;
  readonly max: number;
}

/** As in the library: how long a blocking query is held, with what Consul adds on average; between two lookups. */
const renewalEveryMs = 15_000 * (1 + 1 / 32);
const refreshEveryMs = 15_000 * 1.1;
/** Both roles. */
const questions = 2;
/** Watched by one agent for all: the list for HTTP; with `use_cache` also one list for each tag that is asked for. */
const watches = ({ connections, dnsCache }: Fleet) => (connections > 0 ? 1 : 0) + (dnsCache ? questions : 0);
/** Apps meet their next error within this, evenly spread. */
const errorsWithinMs = 1_000;

/**
 * What a fleet costs and how long it takes, from unit costs: every agent has one core for its resolvers, all agents share
 * one core of one server, both work off one question after the other. The network takes no time.
 */
export function forecast(fleet: Fleet, costs: UnitCosts, random: Random): Forecast {
  const { agents, resolversPerAgent, connections, dnsCache } = fleet;
  const told = Math.min(connections, resolversPerAgent);
  const asking = resolversPerAgent - told;
  const lookupsPerSecond = (asking * questions * 1_000) / refreshEveryMs;
  const handedOn = dnsCache ? 0 : lookupsPerSecond;
  const agentLookupMs = dnsCache ? costs.cachedLookupMs : costs.lookupAgentMs;
  const toldAtMs = Array.from({ length: told }, (_, i) => (i + 1) * costs.toldMs);
  const asked = askAll(fleet, asking, told * costs.toldMs, agentLookupMs, costs, random);
  const watched = agents * watches(fleet);
  return {
    resolvers: agents * resolversPerAgent,
    told: agents * told,
    atRest: {
      serverQueriesPerSecond: agents * handedOn,
      agentCpu:
        ((told * costs.renewalMs * 1_000) / renewalEveryMs + lookupsPerSecond * agentLookupMs) / 1_000,
      serverCpu: (agents * handedOn * costs.lookupServerMs) / 1_000,
    },
    failover: {
      serverQueries: asked.handedOnAtMs.length + watched,
      serverPeakPerSecond: peak(asked.handedOnAtMs, 1_000) + watched,
      agentCpuMs: told * costs.toldMs + asking * questions * agentLookupMs,
      serverCpuMs: (asked.handedOnAtMs.length + watched) * costs.lookupServerMs,
      toldMs: times(toldAtMs),
      askedMs: times(asked.tookMs),
    },
  };
}

/** Those who ask, through the queue of their agent and then, unless it knows, that of the server. */
function askAll(
  { agents, dnsCache }: Fleet,
  asking: number,
  busyUntilMs: number,
  agentMs: number,
  { lookupServerMs }: UnitCosts,
  random: Random,
): { tookMs: number[]; handedOnAtMs: number[] } {
  const passed: { errorAtMs: number; atMs: number }[] = [];
  for (let agent = 0; agent < agents; agent++) {
    const errors = Array.from({ length: asking }, () => random() * errorsWithinMs).sort((a, b) => a - b);
    let freeAtMs = busyUntilMs;
    for (const errorAtMs of errors) {
      freeAtMs = Math.max(freeAtMs, errorAtMs) + questions * agentMs;
      passed.push({ errorAtMs, atMs: freeAtMs });
    }
  }
  if (dnsCache) return { tookMs: passed.map(({ errorAtMs, atMs }) => atMs - errorAtMs), handedOnAtMs: [] };
  const handedOnAtMs = passed.flatMap(({ atMs }) => Array.from({ length: questions }, () => atMs));
  let freeAtMs = 0;
  const tookMs = passed
    .sort((a, b) => a.atMs - b.atMs)
    .map(({ errorAtMs, atMs }) => {
      freeAtMs = Math.max(freeAtMs, atMs) + questions * lookupServerMs;
      return freeAtMs - errorAtMs;
    });
  return { tookMs, handedOnAtMs };
}

function peak(timesMs: readonly number[], stretchMs: number): number {
  const sorted = [...timesMs].sort((a, b) => a - b);
  let most = 0;
  for (let from = 0, to = 0; to < sorted.length; to++) {
    while (sorted[to]! - sorted[from]! >= stretchMs) from++;
    most = Math.max(most, to - from + 1);
  }
  return most;
}

function times(valuesMs: readonly number[]): Times | null {
  if (valuesMs.length === 0) return null;
  const sorted = [...valuesMs].sort((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)]!, max: sorted.at(-1)! };
}
