import { afterAll, beforeAll, beforeEach } from 'vitest';
import { leaseOf } from '../../../agent/consul/lease/lease.js';
import type { EventsPort, LeasePort } from '../../../agent/lease-port.js';
import { ConsulConnection } from '../../../common/consul/connection.js';
import { failoverKeys } from '../../../common/failover/keys.js';
import { systemClock, systemRandom } from '../../../common/runtime/clock.js';
import { FakeConnection } from '../../fakes/consul-http/connection.js';
import { ConsulState } from '../../fakes/consul-http/state.js';
import { StallingProxy } from '../../fakes/stalling-proxy.js';
import { startConsul, type RealConsul } from '../../support/consul.js';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';

/** A Consul that answers may take its time… */
const deadlineMs = 15_000;
/** …and for one that does not, a call gives up so soon. */
const hastyMs = 700;
const clock = systemClock;
const random = systemRandom;

export interface Agent {
  readonly lease: LeasePort;
  readonly events: EventsPort;
}

export interface Subject {
  /** The service of the agents to come: each test has its own. */
  service: string;
  /** The member's service is registered. Each has a fresh client; two of one name are one agent that started anew. */
  agent(member: string, options?: { aliveTtlMs?: number; isHasty?: boolean }): Promise<Agent>;
  /** What the work sends is on its way when it ends, and arrives, and counts, when told. */
  late<T>(
    member: string,
    work: (agent: Agent) => Promise<T>,
  ): Promise<{ readonly result: T; arrive(): Promise<void> }>;
  /** What the work sends counts at once; the answers are lost. */
  unheard<T>(member: string, work: (agent: Agent) => Promise<T>): Promise<T>;
  /** Once `work` has changed something, the answer to a question that waited for it is lost; the next ones have theirs. */
  deaf(
    member: string,
  ): Promise<{ readonly agent: Agent; during(work: () => Promise<unknown>): Promise<void> }>;
  /** Anything, by anybody, below the service's prefix. */
  put(name: string, text: string): Promise<void>;
  /** Of one Consul: one whose token has no rights, one whose token has all. */
  poorAndRich(member: string): Promise<{ readonly poor: Agent; readonly rich: Agent }>;
  /** Its Consul has no leader. */
  leaderless(member: string): Promise<Agent>;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Consul starts anew and knows nothing any more. */
  lose(): Promise<void>;
  /** Makes a backup of Consul's data; what comes of it brings them back. */
  backup(): Promise<() => Promise<void>>;
  destroy(): Promise<void>;
}

export const subjects: Readonly<Record<string, () => Promise<Subject>>> = {
  'the fake': async () => fake(),
  'Consul itself': real,
};

function fake(): Subject {
  const state = new ConsulState(clock);
  const connections = new Set<FakeConnection>();
  const open: EventsPort[] = [];
  let isAway = false;
  const agentOn = (member: string, options: Parameters<Subject['agent']>[1] = {}) => {
    const { aliveTtlMs = 60_000, isHasty } = options;
    const { service } = subject;
    const serviceId = `${service}@${member}`;
    state.services.add(serviceId);
    const connection = new FakeConnection(state, clock);
    connection.fault = isAway ? 'away' : 'none';
    connections.add(connection);
    const agent = leaseOf({
      connection,
      name: 'Consul',
      service,
      serviceId,
      aliveTtlMs,
      deadlineMs: isHasty ? 50 : deadlineMs,
      clock,
      random,
    });
    open.push(agent.events);
    return { agent, connection };
  };
  const setAll = (away: boolean) => {
    isAway = away;
    for (const connection of connections) connection.fault = away ? 'away' : 'none';
  };
  const subject: Subject = {
    service: 'pg',
    agent: async (member, options) => agentOn(member, options).agent,
    async late(member, work) {
      const { agent, connection } = agentOn(member, { isHasty: true });
      connection.fault = 'held';
      const result = await work(agent);
      return { result, arrive: async () => connection.deliver() };
    },
    async unheard(member, work) {
      const { agent, connection } = agentOn(member, { isHasty: true });
      connection.fault = 'answer-lost';
      return work(agent);
    },
    async deaf(member) {
      const { agent, connection } = agentOn(member);
      return {
        agent,
        async during(work) {
          connection.loseQuestions();
          await work();
        },
      };
    },
    async poorAndRich(member) {
      const { agent: poor, connection } = agentOn(member);
      connection.fault = 'forbidden';
      return { poor, rich: agentOn(member).agent };
    },
    async leaderless(member) {
      const { agent, connection } = agentOn(member);
      connection.fault = 'leaderless';
      return agent;
    },
    lose: async () => state.lose(),
    async backup() {
      const restore = state.backup();
      return async () => restore();
    },
    async put(name, text) {
      const Value = Buffer.from(text).toString('base64');
      state.transact([{ Verb: 'set', Key: failoverKeys(subject.service).prefix + name, Value }]);
    },
    stop: async () => setAll(true),
    start: async () => setAll(false),
    destroy: async () => open.forEach((events) => events.close()),
  };
  return subject;
}

/** Gives the subject of a file, under another service with each test. */
export function subjectPerFile(make: () => Promise<Subject>): () => Subject {
  let subject: Subject;
  let tests = 0;
  beforeAll(async () => {
    subject = await make();
  });
  beforeEach(() => {
    subject.service = `pg${++tests}`;
  });
  afterAll(() => subject?.destroy());
  return () => subject;
}

async function real(): Promise<Subject> {
  const consul = await startConsul();
  const others: RealConsul[] = [];
  const open: { close(): unknown }[] = [];
  const call = async (path: string, body: unknown, type = 'application/json') => {
    const response = await fetch(`${consul.httpUrl}/v1/${path}`, {
      method: 'PUT',
      headers: { 'content-type': type },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  };
  const agentAt = async (
    url: string,
    member: string,
    options: Parameters<Subject['agent']>[1] & { token?: string | undefined } = {},
  ) => {
    const { token, aliveTtlMs = 60_000, isHasty } = options;
    const { service } = subject;
    const serviceId = `${service}@${member}`;
    const connection = new ConsulConnection({ url, clock, token: () => token });
    const agent = leaseOf({
      connection,
      name: `Consul at ${url}`,
      service,
      serviceId,
      aliveTtlMs,
      deadlineMs: isHasty ? hastyMs : deadlineMs,
      watchWaitMs: 1_000,
      clock,
      random,
    });
    open.push(agent.events, connection);
    return agent;
  };
  const registered = async (member: string) =>
    call('agent/service/register', { ID: `${subject.service}@${member}`, Name: subject.service });
  const subject: Subject = {
    service: 'pg',
    async agent(member, options) {
      await registered(member).catch((error: unknown) => {
        // One that is stopped has it already.
        if (!(error instanceof TypeError)) throw error;
      });
      return agentAt(consul.httpUrl, member, options);
    },
    async late(member, work) {
      const agent = await agentAt(consul.httpUrl, member, { isHasty: true });
      consul.freeze();
      const result = await work(agent);
      return {
        result,
        async arrive() {
          consul.thaw();
          await waitFor(
            'an answer',
            eventuallyMs,
            async () => (await agent.lease.read()).kind === 'answered',
          );
        },
      };
    },
    async unheard(member, work) {
      const proxy = await StallingProxy.before({ host: consul.host, port: consul.httpPort });
      proxy.fault = { kind: 'stall', afterBytes: 0 };
      try {
        return await work(await agentAt(`http://${proxy.host}:${proxy.port}`, member, { isHasty: true }));
      } finally {
        await proxy.close();
      }
    },
    async deaf(member) {
      await registered(member);
      const proxy = await StallingProxy.before({ host: consul.host, port: consul.httpPort });
      open.push(proxy);
      return {
        agent: await agentAt(`http://${proxy.host}:${proxy.port}`, member),
        async during(work) {
          proxy.fault = { kind: 'stall', afterBytes: 0 };
          await work();
          await waitFor('an answer that is lost', eventuallyMs, () => proxy.saidBytes > 0);
          proxy.fault = { kind: 'none' };
        },
      };
    },
    put: async (name, text) => call(`kv/${failoverKeys(subject.service).prefix}${name}`, text, 'text/plain'),
    async poorAndRich(member) {
      const strict = await startConsul({ acl: true });
      others.push(strict);
      const { managementToken: token } = strict;
      return {
        poor: await agentAt(strict.httpUrl, member),
        rich: await agentAt(strict.httpUrl, member, { token }),
      };
    },
    async leaderless(member) {
      const lonely = await startConsul({ isLeaderless: true });
      others.push(lonely);
      return agentAt(lonely.httpUrl, member);
    },
    stop: () => consul.stop(),
    start: () => consul.start(),
    async lose() {
      await consul.stop();
      consul.forget();
      await consul.start();
    },
    async backup() {
      const { service } = subject;
      await waitFor('the service at the servers', eventuallyMs, async () => {
        const listed = await fetch(`${consul.httpUrl}/v1/catalog/service/${service}`);
        return ((await listed.json()) as unknown[]).length > 0;
      });
      return consul.backup();
    },
    async destroy() {
      for (const one of open) one.close();
      for (const each of [consul, ...others]) await each.destroy();
    },
  };
  return subject;
}
