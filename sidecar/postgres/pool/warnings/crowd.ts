/** From this many on, pools that live side by side are more likely forgotten than meant. */
const crowd = 3;

/** Pools of one service that were used and have not ended: where each was made. */
const living = new Map<string, Set<Place>>();
const warned = new Set<string>();

/** Where a pool was made; an object of its own for each. */
export interface Place {
  readonly stack?: string;
}

/** The place where `made` is being constructed, without our own frames. */
export function madeAt(made: abstract new (...args: never) => unknown): Place {
  const place: { stack?: string } = {};
  Error.captureStackTrace(place, made);
  return place;
}

/** Counts a pool from its first use on. Warns once per service (`HOTSPARE_POOLS`). Returns what to call at its end. */
export function joinCrowd(service: string, place: Place): () => void {
  const pools = living.get(service) ?? new Set<Place>();
  living.set(service, pools.add(place));
  if (pools.size >= crowd && !warned.has(service)) {
    warned.add(service);
    const text = crowdWarning(service, [...pools]);
    process.emitWarning(text, { type: 'HotspareWarning', code: 'HOTSPARE_POOLS' });
  }
  return () => {
    pools.delete(place);
    if (pools.size === 0) living.delete(service);
  };
}

function crowdWarning(service: string, pools: readonly Place[]): string {
  const times = new Map<string, number>();
  for (const place of pools) times.set(lineOf(place), (times.get(lineOf(place)) ?? 0) + 1);
  const places = [...times].map(([line, count]) => (count === 1 ? line : `${line} (${count} times)`));
  return [
    `this process has ${pools.length} pools of ${service} that were used and not ended, made at ${places.join(', ')}.`,
    'Each keeps a session to every member until end() is called, also when nothing refers to the pool any more, so the',
    'servers run out of connections. Make one pool and keep it where a reload of your code finds it again',
    '(globalThis.pool ??= new Pool(...)), or end() the old one first.',
  ].join(' ');
}

function lineOf({ stack = '' }: Place): string {
  const [, frame = ''] = stack.split('\n');
  return /(?:\(|at )([^()]*:\d+:\d+)\)?$/.exec(frame)?.[1] ?? 'an unknown place';
}
