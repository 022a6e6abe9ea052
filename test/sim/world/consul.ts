/** Consul as far as a lease needs it: keys with a ModifyIndex, sessions that hold keys, transactions that hold or fail as a whole. */
export interface Entry {
  readonly value: unknown;
  readonly index: number;
  readonly session: string | undefined;
}

export type Op =
  | { readonly verb: 'lock'; readonly key: string; readonly value: unknown; readonly session: string }
  | { readonly verb: 'unlock'; readonly key: string; readonly value: unknown; readonly session: string }
  | { readonly verb: 'cas'; readonly key: string; readonly value: unknown; readonly index: number }
  | { readonly verb: 'delete-cas'; readonly key: string; readonly index: number }
  | { readonly verb: 'check-index'; readonly key: string; readonly index: number }
  | { readonly verb: 'check-session'; readonly key: string; readonly session: string };

/** Only in transactions that are broken on purpose: whatever stands there. */
export const anyIndex = -1;

const nothing: Entry = { value: undefined, index: 0, session: undefined };

export class SimConsul {
  isUp = true;
  private index = 1;
  /** Never changed in place: whoever has read it has what stood there then. */
  private keys: ReadonlyMap<string, Entry> = new Map<string, Entry>();
  /** The next keys, while a transaction is applied. */
  private writing = new Map<string, Entry>();
  private readonly sessions = new Map<string, string>();
  private made = 0;

  get(key: string): Entry {
    return this.keys.get(key) ?? nothing;
  }

  /** What a read of all keys gives, to be looked at later. */
  snapshot(): ReadonlyMap<string, Entry> {
    return this.keys;
  }

  openSession(node: string): string {
    const id = `session-${(this.made += 1)}-${node}`;
    this.sessions.set(id, node);
    return id;
  }

  isValid(session: string): boolean {
    return this.sessions.has(session);
  }

  /** `Behavior: release`: the key stays, and nobody holds it. */
  endSession(session: string): void {
    if (!this.sessions.delete(session)) return;
    const keys = new Map(this.keys);
    for (const [key, entry] of keys)
      if (entry.session === session)
        keys.set(key, { ...entry, session: undefined, index: (this.index += 1) });
    this.keys = keys;
  }

  endSessionsOf(node: string): void {
    for (const [id, of] of [...this.sessions]) if (of === node) this.endSession(id);
  }

  /** Its servers lose all that they had. */
  lose(): void {
    this.keys = new Map();
    this.sessions.clear();
  }

  /** All that a backup holds. Sessions that nobody shows life for are over before anything is read. */
  restore(keys: ReadonlyMap<string, Entry>): void {
    for (const id of [...this.sessions.keys()])
      if (![...keys.values()].some(({ session }) => session === id)) this.sessions.delete(id);
    this.keys = new Map(
      [...keys].map(([key, entry]) => [
        key,
        entry.session !== undefined && this.sessions.has(entry.session)
          ? entry
          : { ...entry, session: undefined },
      ]),
    );
  }

  /** Whether it was applied. */
  transact(ops: readonly Op[]): boolean {
    this.writing = new Map(this.keys);
    this.index += 1;
    const isApplied = ops.every((op) => this.apply(op));
    if (isApplied) this.keys = this.writing;
    return isApplied;
  }

  private apply(op: Op): boolean {
    const entry = this.writing.get(op.key) ?? nothing;
    switch (op.verb) {
      case 'lock':
        if (!this.isValid(op.session) || (entry.session !== undefined && entry.session !== op.session))
          return false;
        this.writing.set(op.key, { value: op.value, index: this.index, session: op.session });
        return true;
      case 'unlock':
        if (entry.session !== op.session) return false;
        this.writing.set(op.key, { value: op.value, index: this.index, session: undefined });
        return true;
      case 'cas':
        if (op.index !== anyIndex && entry.index !== op.index) return false;
        this.writing.set(op.key, { value: op.value, index: this.index, session: entry.session });
        return true;
      case 'delete-cas':
        if (op.index !== anyIndex && entry.index !== op.index) return false;
        this.writing.delete(op.key);
        return true;
      case 'check-index':
        return entry.index === op.index;
      case 'check-session':
        return entry.session === op.session && this.isValid(op.session);
    }
  }
}
