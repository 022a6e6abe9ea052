import type { Clock, Timer } from '../../../common/clock.js';
import { transact, type KvOperation, type Pair, type TransactionResult } from './transaction.js';

interface Session {
  readonly ID: string;
  readonly Name: string;
  readonly checks: readonly string[];
  readonly CreateIndex: number;
}

interface Check {
  readonly id: string;
  readonly ttlMs: number;
  isPassing: boolean;
  timer: Timer | undefined;
}

/** What all servers of a fake Consul know. Sessions end with their checks. */
export class ConsulState {
  pairs: ReadonlyMap<string, Pair> = new Map();
  readonly sessions = new Map<string, Session>();
  readonly services = new Set<string>();
  readonly checks = new Map<string, Check>();
  /** The checks that the servers have; their agents send them what is registered, and believe that they keep it. */
  readonly #sent = new Set<string>();
  readonly #changed = new Set<() => void>();
  readonly #removed: { key: string; index: number }[] = [];
  #index = 10;
  #made = 0;

  constructor(private readonly clock: Clock) {}

  transact(operations: readonly KvOperation[]): TransactionResult {
    const result = transact(this.pairs, operations, this.#index + 1, (id) => this.sessions.has(id));
    if ('Errors' in result) return result;
    this.#index += 1;
    for (const key of this.pairs.keys())
      if (!result.pairs.has(key)) this.#removed.push({ key, index: this.#index });
    this.pairs = result.pairs;
    this.#tell();
    return result;
  }

  /** Of all keys below a prefix; where there never was one, of everything. */
  indexOf(prefix: string): number {
    const indexes = [
      ...[...this.pairs.values()].filter(({ Key }) => Key.startsWith(prefix)).map((pair) => pair.ModifyIndex),
      ...this.#removed.filter(({ key }) => key.startsWith(prefix)).map(({ index }) => index),
    ];
    return indexes.length === 0 ? this.#index : Math.max(...indexes);
  }

  /** Once, at the next change of anything. Gives back what takes the listener off again. */
  onChange(listener: () => void): () => void {
    this.#changed.add(listener);
    return () => this.#changed.delete(listener);
  }

  register(id: string, ttlMs: number): void {
    const there = this.checks.get(id);
    this.#sent.add(id);
    this.checks.set(id, { id, ttlMs, isPassing: there?.isPassing ?? true, timer: there?.timer });
    this.#await(id);
  }

  pass(id: string): boolean {
    const check = this.checks.get(id);
    if (!check) return false;
    check.isPassing = true;
    this.#await(id);
    return true;
  }

  fail(id: string): void {
    const check = this.checks.get(id);
    if (check) check.isPassing = false;
    for (const session of this.sessions.values())
      if (session.checks.includes(id)) this.endSession(session.ID);
  }

  makeSession(Name: string, checks: readonly string[]): string | Error {
    for (const id of checks) {
      const check = this.checks.get(id);
      if (!check || !this.#sent.has(id)) return new Error(`Missing check '${id}' registration`);
      if (!check.isPassing) return new Error(`Check '${id}' is in critical state`);
    }
    const ID = `00000000-0000-4000-8000-${String(++this.#made).padStart(12, '0')}`;
    this.sessions.set(ID, { ID, Name, checks, CreateIndex: ++this.#index });
    return ID;
  }

  endSession(id: string): void {
    if (!this.sessions.delete(id)) return;
    this.#index += 1;
    this.pairs = new Map(
      [...this.pairs].map(([key, pair]) => {
        if (pair.Session !== id) return [key, pair];
        const { Session: _, ...free } = pair;
        return [key, { ...free, ModifyIndex: this.#index }];
      }),
    );
    this.#tell();
  }

  /** Everything but what this box's agent has registered itself. */
  lose(): void {
    this.pairs = new Map();
    this.sessions.clear();
    this.#removed.length = 0;
    this.#index = 1;
    this.#tell();
  }

  /** What gives the servers back what they have now. */
  backup(): () => void {
    const [pairs, sessions, sent] = [this.pairs, new Map(this.sessions), new Set(this.#sent)];
    return () => {
      this.pairs = pairs;
      this.sessions.clear();
      for (const [id, session] of sessions) this.sessions.set(id, session);
      for (const id of this.#sent) if (!sent.has(id)) this.#sent.delete(id);
      this.#index += 1;
      this.#tell();
    };
  }

  #await(id: string): void {
    const check = this.checks.get(id)!;
    check.timer?.cancel();
    check.timer = this.clock.after(check.ttlMs, () => this.fail(id), { ref: false });
  }

  #tell(): void {
    for (const listener of [...this.#changed]) listener();
  }
}
