import { targetKey } from '../../common/names.js';
import type { MemberSummary, Summary } from './model.js';

/** The summary for a person. `nowMs` is wall-clock. */
export function renderSummary(summary: Summary, nowMs: number): string {
  const { service, mode, since, degraded, why, members } = summary;
  const when = since === undefined ? '' : ` since ${since} (${age(nowMs - Date.parse(since))})`;
  const head = `${service}: ${mode}${when}${degraded ? ', degraded' : ''}`;
  const rows = [
    ['BOX', 'ADDRESS', 'ROLE', 'STATE', 'SINCE', 'TIMELINE', 'LAG', 'DETAIL'],
    ...members.map(row),
  ];
  return [
    head,
    '',
    ...(members.length > 0 ? columns(rows) : ['no members']),
    ...(degraded ? ['', 'Why:', ...why.map((reason) => `  - ${reason}`)] : []),
    '',
  ].join('\n');
}

function row(member: MemberSummary): string[] {
  const { box, role, state, since, timeline, detail } = member;
  return [
    box,
    targetKey({ host: member.address, port: member.port }),
    role ?? '-',
    state,
    since ?? '-',
    timeline === undefined ? '-' : String(timeline),
    lag(member),
    detail,
  ];
}

function lag({ role, state, lagBytes, streaming }: MemberSummary): string {
  if (role !== 'replica' || state !== 'passing') return '-';
  if (lagBytes === undefined) return '?';
  return streaming === false ? `${lagBytes} B or more` : `${lagBytes} B`;
}

function columns(rows: readonly string[][]): string[] {
  const widths = rows[0]!.map((_, index) => Math.max(...rows.map((cells) => cells[index]!.length)));
  return rows.map((cells) =>
    cells
      .map((cell, index) => cell.padEnd(widths[index]!))
      .join('  ')
      .trimEnd(),
  );
}

/** Like `3 min`, in the largest unit that gives at least one. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} days`;
}
