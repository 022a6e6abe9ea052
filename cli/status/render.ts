import { targetKey } from '../../common/names.js';
import { tableLines } from '../../common/table.js';
import { lagOf, type MemberSummary, type Summary } from '../../status/index.js';

/** The summary for a person. `nowMs` is wall-clock. */
export function renderSummary(summary: Summary, nowMs: number): string {
  const { service, mode, since, degraded, why, members } = summary;
  const when = since === undefined ? '' : ` since ${since} (${age(nowMs - Date.parse(since))})`;
  const head = `${service}: ${mode ?? 'mode unknown'}${when}${degraded ? ', degraded' : ''}`;
  const rows = [
    ['BOX', 'ADDRESS', 'ROLE', 'STATE', 'SINCE', 'TIMELINE', 'LAG', 'DETAIL'],
    ...members.map((member) => row(member, summary)),
  ];
  return [
    head,
    '',
    ...(members.length > 0 ? tableLines(rows) : ['no members']),
    ...(degraded ? ['', 'Why:', ...why.map((reason) => `  - ${reason}`)] : []),
    '',
  ].join('\n');
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
function roleText({ role, state, source }: MemberSummary, mode: Summary['mode']): string {
  if (role === undefined) return '-';
  if (state !== 'critical' && (role === 'replica' || mode === 'read-write')) return role;
  return mode === null && source === 'consul' ? `${role}?` : `was ${role}`;
}

function lagText(member: MemberSummary, members: Summary['members']): string {
  if (member.role !== 'replica' || member.state !== 'passing') return '-';
  const lag = lagOf(member, members);
  return lag === undefined ? '?' : `${lag.atLeast ? '≥ ' : ''}${lag.bytes} B`;
}

/** Like `3 min`, in the largest unit that gives at least one. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} days`;
}
