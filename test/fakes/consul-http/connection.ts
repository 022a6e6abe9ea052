import { sleep, type Clock } from '../../../common/clock.js';
import type { Answer, ConsulConnection, Order, Question } from '../../../common/consul/connection.js';
import { ConsulFailure, refusal } from '../../../common/consul/failure.js';
import type { ConsulState } from './state.js';
import type { KvOperation, Pair } from './transaction.js';

/**
 * - `away`: nothing listens.
 * - `leaderless`: no writes and no consistent reads.
 * - `forbidden`: the token has no rights.
 * - `answer-lost`: what is written counts, and the answer does not come.
 * - `held`: what is written counts when `deliver` is called, and an answer does not come.
 */
export type ConsulFault = 'none' | 'away' | 'leaderless' | 'forbidden' | 'answer-lost' | 'held';

const noLeader = new ConsulFailure('failed', 'No cluster leader', 500);

/** How one agent reaches a Consul in memory. */
export class FakeConnection implements Pick<ConsulConnection, 'get' | 'put'> {
  fault: ConsulFault = 'none';
  #held: (() => void)[] = [];
  #stale: ReadonlyMap<string, Pair> | undefined;
  #losses = 0;

  constructor(
    private readonly state: ConsulState,
    private readonly clock: Clock,
  ) {}

  /** What was held back arrives, in order. */
  deliver(): void {
    for (const arrive of this.#held.splice(0)) arrive();
  }

  /** The answer to what Consul holds back at the moment never comes. */
  loseQuestions(): void {
    this.#losses += 1;
  }

  /** From now on, reads that are not consistent tell what is there at this moment; false: what is there. */
  set isStale(isStale: boolean) {
    this.#stale = isStale ? this.state.pairs : undefined;
  }

  async get(question: Question): Promise<Answer> {
    const { path, query = {}, signal } = question;
    this.#reach('consistent' in query);
    if (path === 'session/list') return ok([...this.state.sessions.values()].map(shown));
    const key = path.replace(/^kv\//, '');
    const losses = this.#losses;
    if ('index' in query && query['index'] !== '0') await this.#change(key, question);
    signal?.throwIfAborted();
    if (losses !== this.#losses) return this.#silence(question.deadlineMs, signal);
    this.#reach('consistent' in query);
    const single = !('recurse' in query || 'keys' in query);
    if (single && this.fault === 'forbidden') throw refusal(403, 'Permission denied');
    const pairs = this.#pairs('consistent' in query).filter(({ Key }) =>
      single ? Key === key : Key.startsWith(key) && this.fault !== 'forbidden',
    );
    const index = String(this.state.indexOf(key));
    if (pairs.length > 0) return { ...ok('keys' in query ? pairs.map(({ Key }) => Key) : pairs), index };
    return this.#not200({ status: 404, index, body: undefined }, question);
  }

  async put(order: Order): Promise<Answer> {
    const { path, query = {}, body, deadlineMs, signal } = order;
    const operations = path === 'txn' ? (body as { KV: KvOperation }[]).map(({ KV }) => KV) : [];
    const isRead = path === 'txn' && operations.every(({ Verb }) => Verb === 'get-tree');
    const isLocal = path.startsWith('agent/');
    this.#reach(!isLocal && (!isRead || 'consistent' in query));
    // What is on its way is not stopped by the end of whoever sent it.
    await Promise.resolve();
    if (isRead) {
      const pairs = this.fault === 'forbidden' ? [] : this.#pairs('consistent' in query);
      const found = operations.flatMap(({ Key }) => pairs.filter((pair) => pair.Key.startsWith(Key)));
      return ok({ Results: found.map((KV) => ({ KV })), Errors: null });
    }
    if (this.fault === 'held' && !isLocal) {
      this.#held.push(() => void this.#carryOut(order, operations));
      return this.#silence(deadlineMs, signal);
    }
    const answer = this.#carryOut(order, operations);
    if (this.fault === 'answer-lost') return this.#silence(deadlineMs, signal);
    return this.#not200(answer, order);
  }

  #carryOut({ path, body }: Order, operations: readonly KvOperation[]): Answer {
    if (this.fault === 'forbidden' && path === 'txn')
      return ok({ Errors: operations.map((_, OpIndex) => ({ OpIndex, What: 'Permission denied' })) }, 409);
    if (this.fault === 'forbidden') return ok('Permission denied', 403);
    const name = decodeURIComponent(path.split('/').at(-1) ?? '');
    if (path === 'txn') {
      const result = this.state.transact(operations);
      return 'Errors' in result ? ok(result, 409) : ok({ Results: result.Results, Errors: null });
    }
    if (path === 'agent/check/register') {
      const { ID, ServiceID, TTL } = body as { ID: string; ServiceID: string; TTL: string };
      if (!this.state.services.has(ServiceID)) return ok(`ServiceID "${ServiceID}" does not exist`, 500);
      this.state.register(ID, Number.parseInt(TTL, 10));
      return ok(undefined);
    }
    if (path.startsWith('agent/check/pass/'))
      return this.state.pass(name) ? ok(undefined) : ok(`Unknown check "${name}"`, 500);
    if (path === 'session/create') {
      const { Name, ServiceChecks } = body as { Name: string; ServiceChecks: { ID: string }[] };
      const made = this.state.makeSession(
        Name,
        ServiceChecks.map(({ ID }) => ID),
      );
      return made instanceof Error ? ok(made.message, 500) : ok({ ID: made });
    }
    if (path.startsWith('session/renew/')) {
      const session = this.state.sessions.get(name);
      return session ? ok([shown(session)]) : ok(`Session id '${name}' not found`, 404);
    }
    if (path.startsWith('session/destroy/')) {
      this.state.endSession(name);
      return ok(true);
    }
    throw new Error(`the fake knows no ${path}`);
  }

  #reach(needsLeader: boolean): void {
    if (this.fault === 'away') throw new ConsulFailure('refused', 'connection refused');
    if (this.fault === 'leaderless' && needsLeader) throw noLeader;
  }

  #pairs(isConsistent: boolean): Pair[] {
    return [...((!isConsistent && this.#stale) || this.state.pairs).values()];
  }

  #not200(answer: Answer, { answers = [] }: Question): Answer {
    if (answer.status === 200 || answers.includes(answer.status)) return answer;
    throw refusal(answer.status, typeof answer.body === 'string' ? answer.body : '');
  }

  async #silence(deadlineMs: number, signal: AbortSignal | undefined): Promise<never> {
    await sleep(this.clock, deadlineMs, { signal });
    throw new ConsulFailure('late', `no answer within ${deadlineMs} ms`);
  }

  /** Until something below the prefix has changed, or Consul would answer anyway. */
  async #change(prefix: string, { query = {}, signal }: Question): Promise<void> {
    const waitMs = Number.parseInt(query['wait'] ?? '0', 10);
    const from = Number(query['index']);
    const fault = this.fault;
    const done = new AbortController();
    const end = () => done.abort();
    signal?.addEventListener('abort', end, { once: true });
    const off = this.state.onChange(() => this.state.indexOf(prefix) !== from && end());
    // A fault that begins ends what waits.
    const look = () => {
      if (this.fault !== fault) end();
      else if (!done.signal.aborted) this.clock.after(20, look, { ref: false });
    };
    look();
    if (this.state.indexOf(prefix) === from)
      await sleep(this.clock, waitMs, { signal: done.signal }).catch(() => {});
    end();
    off();
    signal?.removeEventListener('abort', end);
  }
}

const ok = (body: unknown, status = 200): Answer => ({ status, index: undefined, body });

const shown = ({ ID, Name, CreateIndex }: { ID: string; Name: string; CreateIndex: number }) => ({
  ID,
  Name,
  CreateIndex,
});
