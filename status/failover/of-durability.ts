import type { Finding } from './model.js';
import { isServed, reportOf, selfOf, type View } from './view.js';

/** The policy says `sync`, and the record names the primary alone; or it is strict and writes wait. */
export function degraded(view: View): Finding[] {
  const { policy, primary, record } = view;
  const report = reportOf(view, primary);
  if (policy?.durability !== 'sync' || !record || !report || !isServed(view)) return [];
  if (record.members.length > 1) {
    if (report.row !== 'standby-behind' || !policy.strict) return [];
    return [
      {
        topic: 'writes-wait',
        severity: 'alert',
        cause: `Writes wait for ${record.members[1]?.name}, which ${stateOf(view, record.members[1]?.name)}: with strict=true no commit returns without it.`,
        next: `${remedy(view, record.members[1]?.name) ?? `Bring ${record.members[1]?.name} back`}. Or "hotspare policy set strict=false": writes go on, and are on ${primary} alone until it is back`,
      },
    ];
  }
  return [
    {
      topic: 'sync-degraded',
      severity: 'warning',
      cause: `durability=sync is degraded${whyAlone(report.sentence)}: a commit is on ${primary} alone, and would be lost with it.`,
      next: becomesStandby(view, primary),
    },
  ];
}

function becomesStandby(view: View, primary: string | undefined): string {
  const others = othersOf(view, primary);
  const remedies = others.flatMap((member) => remedy(view, member) ?? []);
  const what = others.join(' or ') || 'another member';
  return remedies.length > 0
    ? `${remedies.join(' and ')}. Once it streams and keeps up, it is added to the record by itself`
    : `Once ${what} streams and keeps up, it is added to the record by itself`;
}

/** What to type so that a member becomes a standby; undefined: it becomes one by itself, or what it lacks is not known. */
function remedy(view: View, member: string | undefined): string | undefined {
  const report = reportOf(view, member);
  if (report?.row === 'stray' || report?.row === 'quarantined') return `"hotspare reinit ${member}"`;
  return selfOf(report)?.process === 'stopped'
    ? `"hotspare service start ${view.service}@${member}"`
    : undefined;
}

const othersOf = ({ reports, away }: View, primary: string | undefined): string[] =>
  [...reports.map(({ member }) => member), ...away.map(({ box }) => box)].filter(
    (member) => member !== primary,
  );

/** Of the sentence of a primary that is degraded: what it does not share with this finding. */
function whyAlone(sentence: string): string {
  const [, why] = /^degraded: commits are acknowledged on \S+ alone; (.*)/s.exec(sentence) ?? [];
  return why === undefined ? '' : ` (${why})`;
}

function stateOf(view: View, member: string | undefined): string {
  const report = reportOf(view, member);
  if (!report) return 'is away: its agent does not answer';
  return selfOf(report)?.process === 'stopped' ? 'does not run' : 'does not keep up';
}
