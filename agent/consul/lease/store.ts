import type { Clock } from '../../../common/clock.js';
import type { Answer } from '../../../common/consul/connection.js';
import { ConsulWatch } from '../../../common/consul/watch.js';
import { failoverKeys } from '../../../common/failover/keys.js';
import { isSameSnapshot, snapshotOf, type Snapshot } from '../../../common/failover/snapshot.js';
import type { Transaction } from '../../../common/failover/transaction.js';
import { list } from '../../../common/text/json.js';
import type { Random } from '../../../common/random.js';
import type { Answered, Conflict, LeasePort, LeaseWatcher, Written } from '../../lease-port.js';
import type { LeaseClient } from './client.js';
import { operationsOf, readingAll, sharedKeyOf, toJson, type Operation } from './operations.js';
import { causeOf, parseKeyValue, parseReply, type TransactionReply } from './replies.js';
import type { Sessions } from './sessions.js';

export interface LeaseStoreOptions {
  /** Like `pg`. */
  readonly service: string;
  readonly client: LeaseClient;
  readonly sessions: Sessions;
  /** Bound of each call, in ms. */
  readonly deadlineMs: number;
  /** How long Consul may hold back the answer to a watch while nothing changes, in ms: so long a watch may be deaf. Default 10000. */
  readonly watchWaitMs?: number;
  readonly clock: Clock;
  readonly random: Random;
}

const retry = { baseMs: 100, maxMs: 2_000 };

/** The lease store over Consul's HTTP. Uses only what Consul 1.8 and today's releases share. */
export class LeaseStore implements LeasePort {
  readonly openSession: LeasePort['openSession'];
  readonly signOfLife: LeasePort['signOfLife'];
  readonly lookUpSession: LeasePort['lookUpSession'];
  readonly destroySession: LeasePort['destroySession'];
  readonly #keys: ReturnType<typeof failoverKeys>;
  readonly #right: string;
  readonly #watches = new Set<ConsulWatch<Snapshot>>();
  #marks = 0;

  constructor(private readonly options: LeaseStoreOptions) {
    const { service, sessions } = options;
    this.#keys = failoverKeys(service);
    this.#right = `key_prefix:write for ${this.#keys.prefix}`;
    this.openSession = (remembered, signal) => sessions.open(remembered, signal);
    this.signOfLife = (signal) => sessions.signOfLife(signal);
    this.lookUpSession = (id, signal) => sessions.lookUp(id, signal);
    this.destroySession = (id, signal) => sessions.destroy(id, signal);
  }

  async read({ consistent = false, signal }: Parameters<LeasePort['read']>[0] = {}): Promise<
    Answered<{ snapshot: Snapshot }>
  > {
    const { service, client } = this.options;
    const read = ({ status, body }: Answer) => unlessForbidden(parseReply(status, body));
    const reply = await client.readAll(
      {
        path: 'txn',
        query: consistent ? { consistent: '' } : {},
        body: toJson(readingAll(service), 0),
      },
      // Consul shows nothing to whoever may not read it.
      this.#keys.leader,
      {
        what: this.#reading,
        right: this.#right,
        signal,
        parse: read,
        isEmpty: (answer) => foundIn(read(answer)).length === 0,
      },
    );
    if (reply.kind !== 'got') return reply;
    const found = foundIn(reply.value);
    return { kind: 'answered', snapshot: snapshotOf(service, found) };
  }

  async watch(watcher: LeaseWatcher, signal: AbortSignal): Promise<void> {
    const { service, client, clock, random, deadlineMs, watchWaitMs = 10_000 } = this.options;
    let last: Snapshot | undefined;
    let isOut = false;
    const watch = new ConsulWatch<Snapshot>({
      connection: client.listing(this.#keys.leader),
      path: `kv/${this.#keys.prefix}`,
      // Consistent: a server that just restarted may answer an ordinary read from a state it has not caught up with.
      query: { recurse: '', consistent: '' },
      waitMs: watchWaitMs,
      deadlineMs,
      retry,
      clock,
      random,
      parse: (body) => snapshotOf(service, list(body).map(parseKeyValue)),
      onAnswer: (snapshot) => {
        // Events are below the same prefix.
        if (!isOut && last && isSameSnapshot(last, snapshot)) return;
        isOut = false;
        last = snapshot;
        watcher.onSnapshot(snapshot);
      },
      onFailure: (failure) => {
        if (isOut) return;
        isOut = true;
        watcher.onUnavailable(client.explain(failure, { what: this.#reading, right: this.#right }));
      },
    });
    this.#watches.add(watch);
    try {
      await watch.run(signal);
    } finally {
      this.#watches.delete(watch);
    }
  }

  askAnew(): void {
    for (const watch of this.#watches) watch.askAnew();
  }

  async write(transaction: Transaction, signal?: AbortSignal): Promise<Written> {
    const { service, client, random } = this.options;
    const what = `${transaction.kind} of ${service}`;
    let operations: Operation[] | Conflict;
    try {
      operations = operationsOf(service, transaction);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      return {
        kind: 'failed',
        why: `${what} was not sent, since its reader would refuse it: ${error.message}`,
      };
    }
    if (!Array.isArray(operations)) return { kind: 'conflict', conflicts: [operations] };
    const all = [...operations, ...readingAll(service)];
    const reply = await client.put(
      { path: 'txn', body: toJson(all, markOf(random, ++this.#marks)), answers: [409] },
      {
        what,
        right: `${this.#right} and session:write`,
        signal,
        parse: ({ status, body }) => unlessForbidden(parseReply(status, body)),
      },
    );
    if (reply.kind !== 'got') return reply;
    if (reply.value.kind === 'applied')
      return { kind: 'applied', snapshot: snapshotOf(service, reply.value.read) };
    const [first, ...more] = reply.value.errors.map(({ at, what: why }): Conflict => {
      const operation = all[at] ?? all[0]!;
      return { key: sharedKeyOf(service, operation.key), cause: causeOf(operation, why), why };
    });
    return { kind: 'conflict', conflicts: [first!, ...more] };
  }

  get #reading(): string {
    return `reading the lease of ${this.options.service}`;
  }
}

const foundIn = (reply: TransactionReply | 'forbidden') =>
  reply !== 'forbidden' && reply.kind === 'applied' ? reply.read : [];

const unlessForbidden = (reply: TransactionReply) => (reply.kind === 'forbidden' ? 'forbidden' : reply);

/** Another one with each write, also after a restart: below 2^48, which JSON carries exactly. */
function markOf(random: Random, count: number): number {
  return Math.floor(random() * 2 ** 32) * 2 ** 16 + (count % 2 ** 16);
}
