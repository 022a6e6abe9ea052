import { describe, expect, test } from 'vitest';
import { forecast, type Fleet, type UnitCosts } from '../../bench/herd/model.js';
import { seededRandom } from '../support/random.js';

const costs: UnitCosts = {
  renewalMs: 0.5,
  toldMs: 1,
  cachedLookupMs: 0.1,
  lookupAgentMs: 0.2,
  lookupServerMs: 0.1,
};
const of = (fleet: Partial<Fleet>) =>
  forecast(
    { agents: 1, resolversPerAgent: 100, connections: 200, dnsCache: false, ...fleet },
    costs,
    seededRandom(1),
  );

describe('who is told costs the servers nothing more', () => {
  test('one question for each agent, however many resolvers', () => {
    for (const resolversPerAgent of [1, 200]) {
      const { told, atRest, failover } = of({ resolversPerAgent });
      expect(told).toBe(resolversPerAgent);
      expect(atRest.serverQueriesPerSecond).toBe(0);
      expect(failover).toMatchObject({ serverQueries: 1, askedMs: null });
      expect(failover.toldMs?.max).toBe(resolversPerAgent);
    }
    expect(of({ agents: 50 }).failover.serverQueries).toBe(50);
  });
  test('renewals cost the agent', () => {
    expect(of({}).atRest.agentCpu).toBeCloseTo((100 * 0.5) / 15_468.75, 6);
  });
});

describe('who asks', () => {
  test('costs the servers two questions each, at rest every 16.5 s and once in trouble', () => {
    const { atRest, failover } = of({ connections: 0 });
    expect(atRest.serverQueriesPerSecond).toBeCloseTo(200 / 16.5, 6);
    expect(failover).toMatchObject({ serverQueries: 200, serverPeakPerSecond: 200, toldMs: null });
    expect(failover.agentCpuMs).toBeCloseTo(40, 6);
    expect(failover.serverCpuMs).toBeCloseTo(20, 6);
  });
  test('nothing to the servers with use_cache but one watch for each tag', () => {
    const { atRest, failover } = of({ connections: 0, dnsCache: true });
    expect(atRest.serverQueriesPerSecond).toBe(0);
    expect(failover).toMatchObject({ serverQueries: 2, serverPeakPerSecond: 2 });
  });
  test('beyond the limit only the others ask', () => {
    const { told, failover } = of({ agents: 2, resolversPerAgent: 500 });
    expect(told).toBe(400);
    expect(failover.serverQueries).toBe(2 * 300 * 2 + 2);
  });
  test('waits when the server is too slow for all of them', () => {
    const few = of({ connections: 0, agents: 1 }).failover.askedMs!;
    const many = of({ connections: 0, agents: 200 }).failover.askedMs!;
    expect(few.max).toBeLessThan(20);
    // 40,000 questions of a tenth of a millisecond, come within one second.
    expect(many.max).toBeGreaterThan(2_900);
    expect(many.max).toBeLessThan(3_100);
  });
});
