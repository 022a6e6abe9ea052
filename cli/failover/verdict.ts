import type { FailoverReport } from '../../common/failover/report.js';
import type { FailoverEvent, FailoverOrder } from '../../common/failover/shapes.js';

/** What is known of an order that was placed. */
export interface Watched {
  readonly order: FailoverOrder;
  /** Of the record when it was placed. */
  readonly epochBefore: number;
  readonly reports: readonly FailoverReport[];
  readonly events: readonly FailoverEvent[];
  /** For how long none who can read Consul has seen the order, in ms; undefined: it stands, or that is not known. */
  readonly goneMs: number | undefined;
}

export type Verdict =
  | { readonly kind: 'going' }
  | { readonly kind: 'done'; readonly epoch: number }
  /** Refused by the holder: nothing has begun. */
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'failed'; readonly why: string };

/** An event follows the end of its order by a write to Consul: whoever waits longer looks at the members, in ms. */
export const eventGraceMs = 3_000;

/** How an order ended, or that it goes on. Pure. */
export function verdictOf(watched: Watched): Verdict {
  const { order, events, goneMs } = watched;
  const own = events.filter((event) => event.order === order.id);
  const isMove = order.kind !== 'rejoin';
  const end = own.find(({ kind }) => kind === (isMove ? 'promoted' : 'rejoined'));
  if (end) return { kind: 'done', epoch: end.epoch };
  const refused = own.find(({ kind }) => kind === 'refused');
  if (refused) return { kind: 'refused', why: refused.cause };
  const gaveUp = own.find(({ kind }) => kind === 'gave-up');
  if (gaveUp) return { kind: 'failed', why: gaveUp.cause };
  return goneMs === undefined || goneMs < eventGraceMs ? { kind: 'going' } : byReports(watched);
}

function byReports({ order, reports, epochBefore }: Watched): Verdict {
  if (order.kind === 'rejoin')
    return reports.some(({ member, row }) => member === order.member && row === 'following')
      ? { kind: 'done', epoch: epochBefore }
      : { kind: 'failed', why: `the order is gone, and ${order.member} does not follow` };
  const newest = newestRecord(reports);
  const named = newest?.members[0]?.name;
  if (newest && named === order.to && newest.epoch > epochBefore)
    return { kind: 'done', epoch: newest.epoch };
  return {
    kind: 'failed',
    why: `the order is gone, and ${named === undefined ? 'no member' : named} is the primary: it was taken back or given up`,
  };
}

/** The record of the highest epoch that a member has read. */
export function newestRecord(reports: readonly FailoverReport[]) {
  return reports
    .flatMap(({ shared }) => (shared.kind === 'read' && shared.record ? shared.record : []))
    .sort((a, b) => b.epoch - a.epoch)[0];
}

/** Whether one who has read Consul sees the order; undefined: none has read it. */
export function isStanding(reports: readonly FailoverReport[], id: string): boolean | undefined {
  const read = reports.flatMap(({ shared }) => (shared.kind === 'read' ? shared : []));
  return read.length === 0 ? undefined : read.some(({ order }) => order?.id === id);
}

/** Whether this member is writable, its gate open, and said to be so. */
export const isOpen = (reports: readonly FailoverReport[], member: string): boolean =>
  reports.some((report) => report.member === member && report.publish === 'primary');

export const isFollowing = (reports: readonly FailoverReport[], member: string): boolean =>
  reports.some((report) => report.member === member && report.row === 'following');

/** Rows of a member that is made to follow by long work: a rewind or a clone takes as long as its data needs. */
const longRows: readonly string[] = ['step-down', 'diverged', 'reinit', 'clone', 'start', 'starting'];

/** When a member that is to follow has been waited for long enough. Pure: it is told the time. */
export class Patience {
  #last: string | undefined;
  #sinceMs: number;

  /** `quietMs`: without a sign of going on; `inAllMs`: whatever it says. */
  constructor(
    readonly member: string,
    private readonly startedMs: number,
    private readonly bounds: { readonly quietMs: number; readonly inAllMs: number },
  ) {
    this.#sinceMs = startedMs;
  }

  isOver(reports: readonly FailoverReport[], nowMs: number): boolean {
    const report = reports.find(({ member }) => member === this.member);
    const sign = report && `${report.row} ${report.sentence}`;
    if (report && (sign !== this.#last || longRows.includes(report.row))) this.#sinceMs = nowMs;
    if (report) this.#last = sign;
    const { quietMs, inAllMs } = this.bounds;
    return nowMs - this.#sinceMs >= quietMs || nowMs - this.startedMs >= inAllMs;
  }
}
