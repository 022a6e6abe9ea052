import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { leaseOf } from '../../../agent/consul/lease/lease.js';
import type { LeadDecision, Outcome } from '../../../agent/core/lead/model.js';
import { Keeper } from '../../../agent/keeper/keeper.js';
import { comparePositions, distanceBetween, hasAllOf } from '../../../agent/keeper/position.js';
import type { LeasePort } from '../../../agent/lease-port.js';
import { LedgerFile } from '../../../agent/memory/ledger.js';
import { LeadLoop } from '../../../agent/shell/lead/loop.js';
import { ConsulConnection } from '../../../common/consul/connection.js';
import { historyMeta } from '../../../common/failover/published-history.js';
import type { FailoverOrder, Policy } from '../../../common/failover/shapes.js';
import type { Snapshot } from '../../../common/failover/snapshot.js';
import { systemClock, systemRandom } from '../../../common/runtime/clock.js';
import { keptLog } from '../../fakes/kept-log.js';
import { startConsul, type RealConsul } from '../../support/consul.js';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';
import { Member, streaming } from '../keeper/member.js';
import { fetchAnew } from '../../support/fetch-anew.js';

const firstPolicy: Policy = {
  roles: 'managed',
  promotion: 'manual',
  durability: 'async',
  strict: false,
  paused: false,
};

/** The part of an agent that leads, beside a real keeper, Postgres and Consul. */
class Lead {
  readonly decisions: (LeadDecision & { readonly atMs: number })[] = [];
  readonly outcomes: Outcome[] = [];
  private abort = new AbortController();
  private running: Promise<void> | undefined;
  private connection: ConsulConnection | undefined;
  private loop: LeadLoop | undefined;
  private waiting: { row: string; resolve: () => void }[] = [];
  lease!: LeasePort;
  /** What a probe finds. */
  isServing: boolean | undefined;

  constructor(
    readonly member: Member,
    private readonly cluster: Cluster,
    private readonly folder: string,
  ) {}

  get isRunning(): boolean {
    return this.loop !== undefined;
  }
  get last(): LeadDecision | undefined {
    return this.decisions.at(-1);
  }
  get publish(): string | undefined {
    return this.last?.publish;
  }

  start(): void {
    const { consul, leads } = this.cluster;
    const { name } = this.member;
    this.abort = new AbortController();
    this.connection = new ConsulConnection({ url: consul.httpUrl, clock: systemClock });
    const { lease } = leaseOf({
      connection: this.connection,
      name: 'Consul',
      service: 'pg',
      serviceId: `pg@${name}`,
      deadlineMs: 2_000,
      watchWaitMs: 1_000,
      clock: systemClock,
      random: systemRandom,
    });
    this.lease = lease;
    const log = keptLog();
    let published: 'primary' | 'replica' | 'none' = 'none';
    this.loop = new LeadLoop({
      config: {
        member: name,
        members: new Map(
          leads.map(({ member }) => [member.name, { address: '127.0.0.1', port: member.port }]),
        ),
        firstPolicy,
        compare: comparePositions,
        hasAllOf,
        distance: distanceBetween,
        maxLag: 16 * 1024 * 1024,
        isEligible: true,
      },
      keeper: new Keeper({ socket: this.member.socket, member: name, clock: systemClock }),
      lease,
      ledger: new LedgerFile(join(this.folder, name, 'ledger.json')),
      peers: {
        ask: async (other) => {
          const loop = leads.find(({ member }) => member.name === other)?.loop;
          return loop
            ? { kind: 'known', self: loop.seen, ...loop.noted, eligible: { ok: true } }
            : { kind: 'unknown', why: 'its agent does not run' };
        },
      },
      startProcess: () => this.member.boot(),
      published: () => published,
      isServing: () => this.isServing,
      onDecision: (decision) => {
        this.decisions.push({ ...decision, atMs: performance.now() });
        for (const each of this.waiting.filter(({ row }) => row === decision.row)) each.resolve();
        this.waiting = this.waiting.filter(({ row }) => row !== decision.row);
        if (decision.publish === 'unchanged' || decision.publish === 'as-seen') return;
        if (decision.publish !== published) this.cluster.announce(this.member, decision.publish);
        published = decision.publish;
      },
      onOutcome: (outcome) => this.outcomes.push(outcome),
      clock: systemClock,
      log,
    });
    this.running = this.loop.run(this.abort.signal);
  }

  /** Tells as soon as that row decides. */
  untilRow(row: string, resolve: () => void): void {
    this.waiting.push({ row, resolve });
  }

  /** As the session tells that an agent holds, when it ends. */
  wake(): void {
    this.loop?.wake();
  }

  /** SIGKILL, and what a service manager does after it. The agent's part forgets everything but its disk. */
  async kill(victim: 'agent' | 'keeper' | 'postmaster'): Promise<void> {
    switch (victim) {
      case 'agent':
        await this.stop();
        this.start();
        return;
      case 'keeper':
        await this.member.killKeeper();
        await this.member.startKeeper();
        return;
      case 'postmaster':
        this.member.postmaster.signalAll('SIGKILL');
        await this.member.postmaster.ended();
        this.wake();
        await this.restart();
    }
  }

  /** As its unit would: until it runs. A rejoin may be at the data directory, and then it may be the agent that starts it. */
  private restart(): Promise<unknown> {
    const start = async () => {
      try {
        await this.member.boot();
        return true;
      } catch (error) {
        if (String(error).includes('Postgres runs already')) return true;
        throw error;
      }
    };
    return waitFor('Postgres to run again', eventuallyMs * 2, start, 100);
  }

  async stop(): Promise<void> {
    this.abort.abort();
    await this.running;
    this.connection?.close();
    this.loop = undefined;
  }

  /** What happened, for a test that failed. */
  story(): string {
    let said = '';
    return this.decisions
      .filter((decision) => {
        const isNew = decision.sentence !== said || decision.action !== undefined;
        said = decision.sentence;
        return isNew;
      })
      .map(
        ({ row: id, sentence, action, atMs }) =>
          `${Math.round(atMs)} ${this.member.name} ${id}: ${sentence} ${action?.kind ?? ''}`,
      )
      .concat(this.outcomes.filter(({ kind }) => kind !== 'done').map((one) => JSON.stringify(one)))
      .slice(-60)
      .join('\n');
  }
}

/** One primary, one standby, and the leads of both; Consul is one server. */
export class Cluster {
  readonly leads: Lead[] = [];
  private readonly announced = new Map<string, Promise<void>>();
  private orders = 0;

  private constructor(
    readonly consul: RealConsul,
    private readonly folder: string,
  ) {}

  static async make(binDir: string, program: string): Promise<Cluster> {
    const cluster = new Cluster(await startConsul(), mkdtempSync(join(tmpdir(), 'hotspare-lead-')));
    try {
      const pg1 = await Member.make('pg1', binDir, program);
      cluster.add(pg1);
      await pg1.initdb();
      await pg1.bootBare();
      await pg1.startKeeper();
      await pg1.query('CREATE TABLE tally (n bigint PRIMARY KEY)');
      const pg2 = await Member.make('pg2', binDir, program);
      cluster.add(pg2);
      await pg2.startKeeper();
      for (const { member } of cluster.leads) await cluster.register(member.name);
      return cluster;
    } catch (error) {
      await cluster.destroy();
      throw error;
    }
  }

  private add(member: Member): void {
    this.leads.push(new Lead(member, this, this.folder));
  }

  /** As an agent writes its member's role into the catalogue, with the history that the record tells. */
  announce(member: Member, role: 'primary' | 'replica' | 'none'): void {
    const before = this.announced.get(member.name) ?? Promise.resolve();
    const now = before.then(async () => {
      const { record } = await this.snapshot();
      const { epoch, history } = record.kind === 'value' ? record.value : {};
      await this.register(member.name, {
        Address: '127.0.0.1',
        Port: member.port,
        Tags: role === 'none' ? [] : [role],
        Meta: epoch === undefined || !history ? {} : historyMeta({ ...history, epoch }),
      });
    });
    this.announced.set(
      member.name,
      now.catch(() => {}),
    );
  }

  private async register(name: string, more: object = {}): Promise<void> {
    const answer = await fetchAnew(`${this.consul.httpUrl}/v1/agent/service/register`, {
      method: 'PUT',
      body: JSON.stringify({ ID: `pg@${name}`, Name: 'pg', ...more }),
    });
    if (!answer.ok) throw new Error(await answer.text());
  }

  lead(name: string): Lead {
    const found = this.leads.find(({ member }) => member.name === name);
    if (!found) throw new Error(`no member ${name}`);
    return found;
  }

  /** From a running primary and an empty member to two that are managed. */
  async begin(): Promise<void> {
    for (const lead of this.leads) lead.start();
    await this.settled('pg1');
  }

  /** Of an agent that runs. */
  private get lease(): LeasePort {
    return (this.leads.find(({ isRunning }) => isRunning) ?? this.leads[0]!).lease;
  }

  async snapshot(): Promise<Snapshot> {
    const read = await this.lease.read({ consistent: true });
    if (read.kind !== 'answered') throw new Error(read.why);
    return read.snapshot;
  }

  /** As when its agent's sign of life is missing for too long. */
  async endSession(): Promise<void> {
    const { holder } = await this.snapshot();
    if (holder !== undefined)
      await fetchAnew(`${this.consul.httpUrl}/v1/session/destroy/${holder}`, { method: 'PUT' });
  }

  async setPolicy(change: Partial<Policy>): Promise<void> {
    const was = await this.snapshot();
    const before = was.policy.kind === 'value' ? was.policy.value : firstPolicy;
    const written = await this.lease.write({
      kind: 'setPolicy',
      was,
      policy: { ...before, ...change },
    });
    if (written.kind !== 'applied') throw new Error(JSON.stringify(written));
  }

  /** Until the record names these, the holder first. */
  async recorded(durability: Policy['durability'], ...members: readonly string[]): Promise<void> {
    try {
      await waitFor(`the record of ${members.join(', ')}`, eventuallyMs, async () => {
        const { record } = await this.snapshot();
        return (
          record.kind === 'value' &&
          record.value.durability === durability &&
          record.value.members.map(({ name }) => name).join() === members.join()
        );
      });
    } catch (error) {
      throw new Error(`${String(error)}\n${this.story()}`, { cause: error });
    }
  }

  async order(order: Record<string, unknown> & { kind: FailoverOrder['kind'] }): Promise<void> {
    const id = `test ${(this.orders += 1)}`;
    const written = await this.lease.write({
      kind: 'placeOrder',
      was: await this.snapshot(),
      order: { id, ...order } as unknown as FailoverOrder,
    });
    if (written.kind !== 'applied') throw new Error(JSON.stringify(written));
  }

  /** Orders a switchover, again where a busy machine let it be given up, until that row decides. */
  async switchUntil(names: { from: string; to: string }, lead: Lead, row: string): Promise<void> {
    let isReached = false;
    const reached = new Promise<void>((resolve) =>
      lead.untilRow(row, () => {
        isReached = true;
        resolve();
      }),
    );
    const ordering = waitFor(`row ${row}`, eventuallyMs, async () => {
      if (isReached) return true;
      const { order } = await this.snapshot();
      if (order.kind === 'absent' && !isReached)
        await this.order({ kind: 'switchover', ...names, handedOver: false });
      return false;
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${this.story()}`, { cause: error });
    });
    await Promise.race([reached, ordering]);
    void ordering.catch(() => {});
  }

  /** One primary with an open gate, the others stream from it, and no order is left. */
  async settled(primary: string): Promise<void> {
    const others = this.leads.filter(({ member }) => member.name !== primary);
    try {
      await waitFor(`${primary} to lead`, eventuallyMs * 2, async () => {
        const { order } = await this.snapshot();
        const isLed = order.kind === 'absent' && this.lead(primary).publish === 'primary';
        return isLed && others.every(({ publish }) => publish === 'replica');
      });
      for (const { member } of others) await streaming(member, this.lead(primary).member);
    } catch (error) {
      throw new Error(`${String(error)}\n${this.story()}`, { cause: error });
    }
  }

  /** As `settled`, whichever member it is. */
  async settledSomewhere(): Promise<string> {
    let found = '';
    try {
      await waitFor('one primary that the others follow', eventuallyMs * 2, async () => {
        const primaries = this.leads.filter(({ publish }) => publish === 'primary');
        found = primaries[0]?.member.name ?? '';
        const { order } = await this.snapshot();
        return (
          order.kind === 'absent' &&
          primaries.length === 1 &&
          this.leads.every(({ publish, member }) => publish === 'replica' || member.name === found)
        );
      });
    } catch (error) {
      throw new Error(`${String(error)}\n${this.story()}`, { cause: error });
    }
    return found;
  }

  story(): string {
    return this.leads
      .map(
        (lead) =>
          `${lead.story()}\n${lead.member.read('keeper.log').slice(-1_500)}\n${lead.member.log().slice(-1_500)}`,
      )
      .join('\n\n');
  }

  async destroy(): Promise<void> {
    await Promise.all(this.leads.map((lead) => lead.stop().catch(() => {})));
    await Promise.all(this.announced.values());
    await Promise.all(this.leads.map(({ member }) => member.destroy()));
    await this.consul.destroy();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A bare client that inserts one number after the other, wherever it is let to; what was acknowledged is kept outside. */
export class Writer {
  readonly acknowledged: number[] = [];
  /** Why sessions were refused or lost, and inserts that had no answer. */
  readonly failures: string[] = [];
  /** The longest time without an acknowledgement, in ms. */
  longestPauseMs = 0;
  private isOver = false;
  private next = 0;
  private lastMs = performance.now();
  private readonly work: Promise<void>;

  /** `patienceMs`: a log-in or an insert is waited for so long; a busy machine may need seconds. */
  constructor(
    private readonly members: readonly Member[],
    private readonly patienceMs = 5_000,
  ) {
    this.work = this.write();
  }

  /** Pauses before that are forgotten. */
  reset(): void {
    this.longestPauseMs = 0;
    this.lastMs = performance.now();
  }

  async end(): Promise<void> {
    this.isOver = true;
    await this.work;
  }

  private async write(): Promise<void> {
    for (let turn = 0; !this.isOver; turn += 1) {
      const member = this.members[turn % this.members.length]!;
      const client = new pg.Client({
        ...member.source,
        user: 'postgres',
        database: 'postgres',
        connectionTimeoutMillis: this.patienceMs,
      });
      client.on('error', () => {});
      try {
        await client.connect();
        while (!this.isOver) {
          const n = (this.next += 1);
          await withinMs(this.patienceMs, client.query('INSERT INTO tally VALUES ($1)', [n]));
          this.acknowledged.push(n);
          const nowMs = performance.now();
          this.longestPauseMs = Math.max(this.longestPauseMs, nowMs - this.lastMs);
          this.lastMs = nowMs;
        }
      } catch (error) {
        // The other one, then; whether this number was written is not known.
        this.failures.push(`${member.name}: ${String(error)}`);
      }
      await withinMs(200, client.end()).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

function withinMs<T>(ms: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('too late')), ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
