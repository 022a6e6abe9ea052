import { targetKey } from '../../common/names.js';
import { tableLines } from '../../common/text/table.js';
import { lagOf, type MemberSummary, type Summary } from '../../status/index.js';

/** The summary for a person. `nowMs` is wall-clock. */
export function renderSummary(summary: Summary, nowMs: number): string {
  const { degraded, why, members, rehearsal = [] } = summary;
  const rows = [
    ['BOX', 'ADDRESS', 'ROLE', 'STATE', 'SINCE', 'TIMELINE', 'LAG', 'DETAIL'],
    ...members.map((member) => row(member, summary)),
  ];
  return [
    headOf(summary, nowMs),
    '',
    ...(members.length > 0 ? tableLines(rows) : ['no members']),
    ...(degraded ? ['', 'Why:', ...why.map((reason) => `  - ${reason}`)] : []),
    ...(rehearsal.length > 0
      ? [
          '',
          'On trial, nothing is touched:',
          ...rehearsal.map(({ member, sentence }) => `  - ${member}: ${sentence}`),
        ]
      : []),
    '',
  ].join('\n');
}

export function headOf({ service, mode, since, degraded }: Summary, nowMs: number): string {
  const when = since === undefined ? '' : ` since ${since} (${age(nowMs - Date.parse(since))})`;
  return `${service}: ${mode ?? 'mode unknown'}${when}${degraded ? ', degraded' : ''}`;
}

function row(member: MemberSummary, { members, mode }: Summary): string[] {
  const { box, state, since, timeline, detail } = member;
  return [
    box,
    targetKey({ host: member.address, port: member.port }),
    roleText(member, mode),
    state,
    since ?? '-',
    timeline === undefined ? '-' : String(timeline),
    lagText(member, members),
    detail,
  ];
}

/** The role is the one last proven: a member that is down, or a primary nobody can write to, had it. */
export function roleText({ role, state, source }: MemberSummary, mode: Summary['mode']): string {
  if (role === undefined) return '-';
  if (state !== 'critical' && (role === 'replica' || mode === 'read-write')) return role;
  return mode === null && source === 'consul' ? `${role}?` : `was ${role}`;
}

export function lagText(member: MemberSummary, members: Summary['members']): string {
  if (member.role !== 'replica' || member.state !== 'passing') return '-';
  const lag = lagOf(member, members);
  // That it is at least nothing says nothing.
  if (lag === undefined || (lag.atLeast && lag.bytes === 0)) return '?';
  return `${lag.atLeast ? '≥ ' : ''}${lag.bytes} B`;
}

/** Like `3 min`, in the largest unit that gives at least one. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} days`;
}
