import type { Finding } from './model.js';
import type { FailoverReport } from '../../common/failover/report.js';
import { ahead, isLeaderless, isOpen, selfOf, type KnownSelf, type View } from './view.js';

const isStandby = (self: KnownSelf | undefined): boolean =>
  self?.data === 'present' && self.process === 'running' && !self.writable;

/** Consul's data was lost: who was the holder writes it again by itself, if all members answer. */
export function recordLost(view: View): Finding[] {
  if (view.epoch === undefined || view.record) return [];
  const known = Math.max(0, ...view.reports.map(({ epoch }) => epoch));
  const [most] = view.reports
    .filter((report) => isStandby(selfOf(report)))
    .sort((a, b) => -(ahead(selfOf(a)?.position, selfOf(b)?.position) ?? 0));
  if (known === 0 && most && !view.reports.some((report) => selfOf(report)?.writable))
    return [
      {
        topic: 'record-lost',
        severity: 'alert',
        cause: `No member runs as a primary, and Consul names none. ${most.member} has most: ${selfOf(most)?.position ?? 'an unknown position'}.`,
        next: `On ${most.member}: psql -c 'SELECT pg_promote()'. Once the agents of all members answer, it is taken into management by itself`,
      },
    ];
  if (known === 0)
    return [
      {
        topic: 'record-lost',
        severity: 'alert',
        cause: 'No member was ever the primary: Consul holds no record, and no disk knows an epoch.',
        next: 'Start Postgres and the agents of all members; the one that is a running primary takes the lead by itself.',
      },
    ];
  const newest = newestFirst(view)[0]!;
  const position = selfOf(newest)?.position;
  return [
    {
      topic: 'record-lost',
      severity: 'alert',
      cause: `Consul has lost the record of who has every commit${isLeaderless(view) ? ', and no member runs as the primary' : ''}. ${newest.member} knows epoch ${known}${position === undefined ? '' : ` and has ${position}`}.`,
      next: afterLoss(
        view,
        newest.member,
        'Bring the agents of all members up: the running primary then writes it again by itself',
      ),
    },
  ];
}

const leads = (view: View) => (isLeaderless(view) ? ` No member runs as the primary; ${haves(view)}.` : '');

/** What each has, as `TIMELINE/LSN`: why one of them is the one to promote. */
const haves = ({ reports }: View): string =>
  reports
    .map((report) => `${report.member} has ${selfOf(report)?.position ?? 'an unknown position'}`)
    .join(', ');

const timelineOf = (report: FailoverReport): number => Number.parseInt(selfOf(report)?.position ?? '0', 10);

/** Who knows the newest epoch, of those who is on the newest timeline, of those who has most, and of those who saw the record change. */
const newestFirst = ({ reports }: View) =>
  [...reports].sort(
    (a, b) =>
      b.epoch - a.epoch ||
      timelineOf(b) - timelineOf(a) ||
      -(ahead(selfOf(a)?.position, selfOf(b)?.position) ?? 0) ||
      Number(b.row === 'epoch-behind') - Number(a.row === 'epoch-behind'),
  );

/** Whom to promote where nothing runs as the primary, now or some day: what runs as one is not promoted. */
const heirOf = (view: View): string => {
  const all = newestFirst(view);
  return (all.find((report) => !isOpen(report.self)) ?? all[0]!).member;
};

/** `writer`: who writes the record again by itself, if it runs as the primary. */
function afterLoss(view: View, newest: string, writer: string): string {
  const promote = `"hotspare promote ${newest} --record-lost"`;
  if (!isLeaderless(view)) return `${writer}. If it does not run any more: ${promote}`;
  const stopped = view.reports.filter((report) => selfOf(report)?.process === 'stopped');
  if (stopped.length === 0)
    return `${promote} goes by what the members have, and not by Consul: of those that answer, none is newer`;
  // What a member has that does not run is not known: it may have been the primary.
  const start = stopped.map(({ member }) => `"hotspare service start ${view.service}@${member}"`);
  return `${start.join(' and ')}, and look again: only what runs tells how much it has`;
}

export function epochBehind(view: View): Finding[] {
  const { epoch, record } = view;
  if (epoch === undefined || !record) return [];
  const newest = newestFirst(view)[0];
  const older = view.reports.find(({ row }) => row === 'epoch-behind');
  if (newest && newest.epoch <= epoch && older)
    return [
      {
        topic: 'epoch-behind',
        severity: 'alert',
        cause: `Consul's data is older, as after a restored backup: ${older.member} has seen a newer record of epoch ${epoch}. The record above does not count, and no member is promoted from it.${leads(view)}`,
        next: afterLoss(
          view,
          heirOf(view),
          `${view.primary ?? 'The primary'} writes the record again by itself once all other members answer`,
        ),
      },
    ];
  if (!newest || newest.epoch <= epoch) return [];
  return [
    {
      topic: 'epoch-behind',
      severity: 'alert',
      cause: `Consul's data is older, as after a restored backup: it holds epoch ${epoch}, and ${newest.member} knows ${newest.epoch}. The record above does not count, and no member is promoted from it.${leads(view)}`,
      next: afterLoss(
        view,
        heirOf(view),
        `The primary of epoch ${newest.epoch} writes the record again by itself once all other members answer`,
      ),
    },
  ];
}
