import type { FailoverReport } from '../../common/failover/report.js';
import type { FailoverOrder, Policy, Record } from '../../common/failover/shapes.js';
import { lagBytes, parseLsn } from '../../common/postgres/lsn.js';
import type { FailoverReading } from './model.js';

export type KnownSelf = Extract<FailoverReport['self'], { kind: 'known' }>;

export interface Away {
  readonly box: string;
  readonly why: string;
}

/** What all agents say, put together. */
export interface View {
  readonly service: string;
  readonly reports: readonly FailoverReport[];
  /** Members whose agents do not answer. */
  readonly away: readonly Away[];
  readonly policy: Policy | undefined;
  readonly record: Record | undefined;
  /** In Consul; undefined where no agent can read it. */
  readonly epoch: number | undefined;
  readonly holder: string | undefined;
  readonly order: FailoverOrder | undefined;
  /** Why Consul cannot be read, by member. */
  readonly unread: readonly { readonly member: string; readonly why: string }[];
  /** Whom the record names. */
  readonly primary: string | undefined;
  readonly nowMs: number;
}

/** Undefined when no agent manages the service. `boxOf`: whose agent answers at a URL. Pure. */
export function viewOf(
  service: string,
  readings: readonly FailoverReading[],
  boxOf: (url: string) => string | undefined,
  nowMs: number,
): View | undefined {
  const reports = readings.flatMap((reading) => (reading.kind === 'read' ? reading.report : []));
  const read = reports.flatMap(({ shared }) => (shared.kind === 'read' ? shared : []));
  // Of several the one that is furthest: the others look a moment later.
  const newest = [...read].sort((a, b) => b.epoch - a.epoch)[0];
  const isManaged = newest
    ? newest.policy.roles === 'managed'
    : reports.some(({ self }) => self.kind === 'known' && self.managed);
  if (!isManaged) return undefined;
  const holder = newest?.isHeld ? newest.leader?.member : undefined;
  return {
    service,
    reports: [...reports].sort((a, b) => (a.member < b.member ? -1 : 1)),
    away: readings.flatMap((reading) => {
      if (reading.kind === 'read' || reading.kind === 'no-member') return [];
      const box = boxOf(reading.url);
      return box === undefined ? [] : { box, why: reading.why };
    }),
    policy: newest?.policy,
    record: newest?.record,
    epoch: newest?.epoch,
    holder,
    order: newest?.order,
    unread: reports.flatMap(({ member, shared }) =>
      shared.kind === 'unread' ? { member, why: shared.why } : [],
    ),
    primary: newest?.record?.members[0]?.name,
    nowMs,
  };
}

export const reportOf = ({ reports }: View, member: string | undefined): FailoverReport | undefined =>
  reports.find((report) => report.member === member);

export function selfOf(report: FailoverReport | undefined): KnownSelf | undefined {
  return report?.self.kind === 'known' ? report.self : undefined;
}

/** So long the receiver of a standby may be without a word of its primary, in ms: it asks for one every 2.5 s. */
const fedMs = 6_000;

/** Where the primary's own agent or keeper says nothing: a standby still gets WAL from it. */
const isFeeding = (view: View): boolean =>
  view.primary !== undefined &&
  selfOf(reportOf(view, view.primary)) === undefined &&
  view.reports.some((report) => {
    const source = report.member === view.primary ? undefined : selfOf(report)?.source;
    return source?.streaming === true && (source.heardMs ?? Infinity) < fedMs;
  });

/** Whether a primary serves, as far as can be told: writable, leading, behind no gate. */
export const isServed = (view: View): boolean =>
  view.reports.some(({ publish, self }) => publish === 'primary' && !isHung(self)) || isFeeding(view);

/** It runs as the primary: what it commits is acknowledged. */
export const isOpen = (self: FailoverReport['self']): self is KnownSelf =>
  self.kind === 'known' && self.process === 'running' && self.writable && self.gate.kind === 'open';

const runsAsPrimary = (self: KnownSelf) => self.process === 'running' && self.writable;

/** All members answer, and none of them runs as a primary. */
export const isLeaderless = ({ away, reports }: View): boolean =>
  away.length === 0 &&
  reports.every((report) => {
    const self = selfOf(report);
    return self !== undefined && !runsAsPrimary(self);
  });

/** It runs as the primary, and does not answer its keeper, which waits for a second. */
export const isHung = (self: FailoverReport['self']): boolean =>
  isOpen(self) && self.statements === undefined;

/** The members that could take over: in the record first, then the one that has most. */
export function candidates(view: View): string[] {
  return view.reports
    .filter((report) => report.member !== view.primary && unfit(view, report) === undefined)
    .sort(
      (a, b) =>
        Number(isNamed(view, b)) - Number(isNamed(view, a)) ||
        -(ahead(selfOf(a)?.position, selfOf(b)?.position) ?? 0),
    )
    .map(({ member }) => member);
}

/** Whether the record says that this very copy has every acknowledged commit. */
export function isNamed({ record }: View, report: FailoverReport): boolean {
  const self = selfOf(report);
  return (
    record?.durability === 'sync' &&
    record.members.some(
      ({ name, incarnation }) => name === report.member && incarnation === self?.incarnation,
    )
  );
}

/** Why a member could not be promoted now; undefined: it could. */
export function unfit({ record }: View, { eligible, self }: FailoverReport): string | undefined {
  if (!eligible.ok) return eligible.why ?? 'its configuration says no';
  if (self.kind === 'unknown') return 'its keeper does not answer';
  if (!self.managed) return 'it is not managed';
  if (self.data !== 'present') return self.data === 'none' ? 'it has no data' : 'it is half rebuilt';
  if (self.process === 'stopped') return 'it does not run';
  if (self.writable) return 'it is not a standby';
  if (self.replayPaused) return 'its replay is paused';
  if (record && self.origin !== undefined && self.origin !== record.history.systemId)
    return 'it is of another database';
  return undefined;
}

/** Bytes by which a position of Postgres, `TIMELINE/LSN`, is ahead; negative: behind; undefined: not to be compared. */
export function ahead(one: string | undefined, other: string | undefined): number | undefined {
  if (one === undefined || other === undefined) return undefined;
  try {
    const lsn = (position: string) => parseLsn(position.slice(position.indexOf('/') + 1));
    const [a, b] = [lsn(one), lsn(other)];
    return a > b ? lagBytes(a, b) : -lagBytes(b, a);
  } catch {
    return undefined;
  }
}
