import { serviceMeta } from '../names.js';

/** Which history a managed member writes or follows, as its registration's meta says it. */
export interface PublishedHistory {
  readonly systemId: string;
  /** Number of the newest promotion, 1 or more. */
  readonly epoch: number;
  /** Postgres' timeline since that promotion, 1 or more. */
  readonly timeline: number;
}

type Meta = Readonly<Record<string, string>>;

const most = { epoch: Number.MAX_SAFE_INTEGER, timeline: 2 ** 32 - 1 } as const;

export const promotionMeta = ({ epoch, timeline }: Omit<PublishedHistory, 'systemId'>): Meta => ({
  [serviceMeta.epoch]: String(epoch),
  [serviceMeta.timeline]: String(timeline),
});

export const historyMeta = ({ systemId, ...promotion }: PublishedHistory): Meta => ({
  [serviceMeta.system]: systemId,
  ...promotionMeta(promotion),
});

/** Null: it says none, or not all of it, or something that is none. Only agents of managed services publish one. */
export function publishedHistory(meta: Meta): PublishedHistory | null {
  const systemId = meta[serviceMeta.system] ?? '';
  const epoch = positive(meta[serviceMeta.epoch], most.epoch);
  const timeline = positive(meta[serviceMeta.timeline], most.timeline);
  return /^[1-9]\d{0,19}$/.test(systemId) && epoch !== null && timeline !== null
    ? { systemId, epoch, timeline }
    : null;
}

function positive(text: string | undefined, atMost: number): number | null {
  const value = /^[1-9]\d{0,15}$/.test(text ?? '') ? Number(text) : NaN;
  return value <= atMost ? value : null;
}
