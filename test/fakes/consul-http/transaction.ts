/** What Consul 1.8 makes of `PUT /v1/txn`, as far as hotspare uses it. */

export interface Pair {
  readonly Key: string;
  /** Base64. */
  readonly Value: string;
  readonly Flags: number;
  readonly Session?: string | undefined;
  readonly CreateIndex: number;
  readonly ModifyIndex: number;
}

export interface KvOperation {
  readonly Verb: string;
  readonly Key: string;
  readonly Value?: string;
  readonly Flags?: number;
  readonly Index?: number;
  readonly Session?: string;
}

type Shown = Omit<Pair, 'Value'> & { readonly Value: string | null };
export type TransactionResult =
  | { readonly Results: readonly { readonly KV: Shown }[]; readonly pairs: Map<string, Pair> }
  | { readonly Errors: readonly { readonly OpIndex: number; readonly What: string }[] };

/** `index`: the number this change gets. All or nothing; every operation that fails is told. */
export function transact(
  before: ReadonlyMap<string, Pair>,
  operations: readonly KvOperation[],
  index: number,
  isSession: (id: string) => boolean,
): TransactionResult {
  const pairs = new Map(before);
  const Results: { KV: Shown }[] = [];
  const Errors: { OpIndex: number; What: string }[] = [];
  operations.forEach((operation, OpIndex) => {
    const there = pairs.get(operation.Key);
    const What = errorOf(operation, there, isSession);
    if (What !== undefined) return void Errors.push({ OpIndex, What });
    for (const KV of carryOut(operation, there, pairs, index)) Results.push({ KV });
  });
  return Errors.length > 0 ? { Errors } : { Results, pairs };
}

function errorOf(
  { Verb, Key, Index = 0, Session = '' }: KvOperation,
  there: Pair | undefined,
  isSession: (id: string) => boolean,
): string | undefined {
  const key = `"${Key}"`;
  switch (Verb) {
    case 'check-not-exists':
      return there && `key ${key} exists`;
    case 'check-index':
      if (!there) return `failed to check index, key ${key} doesn't exist`;
      if (there.ModifyIndex === Index) return undefined;
      return `failed index check for key ${key}, current modify index ${there.ModifyIndex} != ${Index}`;
    case 'check-session':
      if (!there) return `failed to check session, key ${key} doesn't exist`;
      if (there.Session === Session) return undefined;
      return `failed session check for key ${key}, current session "${there.Session ?? ''}" != "${Session}"`;
    case 'lock':
      if (!isSession(Session)) return `invalid session "${Session}"`;
      return there?.Session === undefined || there.Session === Session
        ? undefined
        : `failed to lock key ${key}, lock is already held`;
    case 'unlock':
      return there?.Session === Session
        ? undefined
        : `failed to unlock key ${key}, lock isn't held, or is held by another session`;
    case 'cas':
      return (there?.ModifyIndex ?? 0) === Index ? undefined : `failed to set key ${key}, index is stale`;
    default:
      return undefined;
  }
}

function carryOut(
  operation: KvOperation,
  there: Pair | undefined,
  pairs: Map<string, Pair>,
  index: number,
): Shown[] {
  const { Verb, Key, Value = '', Flags = 0, Session } = operation;
  const written = (session: string | undefined): Shown[] => {
    const isSame = there && there.Value === Value && there.Flags === Flags && there.Session === session;
    const pair: Pair = {
      Key,
      Value,
      Flags,
      ...(session !== undefined && { Session: session }),
      CreateIndex: there?.CreateIndex ?? index,
      // Written again as it was, it counts as unchanged.
      ModifyIndex: isSame ? there.ModifyIndex : index,
    };
    pairs.set(Key, pair);
    return [{ ...pair, Value: null }];
  };
  switch (Verb) {
    case 'get-tree':
      return [...pairs.values()].filter((pair) => pair.Key.startsWith(Key));
    case 'lock':
      return written(Session);
    case 'unlock':
      return written(undefined);
    case 'set':
    case 'cas':
      return written(there?.Session);
    case 'delete':
      pairs.delete(Key);
      return [];
    case 'check-index':
    case 'check-session':
      return there ? [{ ...there, Value: null }] : [];
    case 'check-not-exists':
      return [];
    default:
      throw new Error(`the fake knows no ${Verb}`);
  }
}
