import { targetKey } from '../../common/names.js';
import { tableLines } from '../../common/text/table.js';
import { type FailoverSummary, type Finding, type Summary } from '../../status/index.js';
import { wrapped } from '../failover/history.js';
import { headOf, lagText, roleText } from './render.js';

/** Shown where something is amiss: who reads it then may not do so every day. */
const legend =
  '(record: who has every acknowledged commit. EPOCH: the number of the last promotion seen there. TL: timeline. GATE: open where commits may be acknowledged, closed on every standby)';

/** Rows of a member that was promoted by hand, or has commits of its own: what role it plays is not what it seems. */
const quarantined: readonly string[] = ['quarantined', 'stray'];

/** A managed service for a person, at 80 columns. `nowMs` is wall-clock. */
export function renderManaged(summary: Summary, failover: FailoverSummary, nowMs: number): string {
  const { members, mode, why } = summary;
  const rows = members.map((member) => {
    const found = failover.members.find((one) => one.member === member.box);
    return [
      member.box,
      targetKey({ host: member.address, port: member.port }),
      found && quarantined.includes(found.row) ? 'quarantined' : roleText(member, mode),
      member.state,
      String(found?.timeline ?? member.timeline ?? '-'),
      String(found?.epoch ?? '-'),
      found?.gate ?? '-',
      lagText(member, members),
    ];
  });
  const head = ['BOX', 'ADDRESS', 'ROLE', 'STATE', 'TL', 'EPOCH', 'GATE', 'LAG'];
  const promotable = failover.members.map(({ member, promotable: { ok, why }, sentence }) => {
    const said = ok
      ? 'can be promoted'
      : why === 'it is the primary' || (why !== undefined && sentence.includes(why))
        ? undefined
        : `cannot be promoted: ${why}`;
    return `${member}: ${sentence}${said === undefined ? '' : `; ${said}`}`;
  });
  return [
    ...wrapped(`${headOf(summary, nowMs)}${isWaiting(failover) ? ', writes wait' : ''}`, ''),
    ...wrapped(leadText(failover), ''),
    '',
    ...(members.length > 0 ? tableLines([head, ...rows]) : ['no members']),
    ...(members.length > 0 && failover.findings.length > 0 ? wrapped(legend, '  ') : []),
    '',
    ...promotable.flatMap((line) => wrapped(line, '')),
    ...(why.length > 0 ? ['', 'Why:', ...why.flatMap((reason) => wrapped(`- ${reason}`, '  '))] : []),
    ...(failover.findings.length > 0 ? ['', 'What to do:', ...failover.findings.flatMap(findingLines)] : []),
    '',
  ].join('\n');
}

const isWaiting = ({ findings }: FailoverSummary): boolean =>
  findings.some(({ topic }) => topic === 'writes-wait');

function leadText({ epoch, findings, holder, order, policy, record }: FailoverSummary): string {
  const isOld = findings.some(({ topic }) => topic === 'epoch-behind');
  const named = record?.members.map(({ name }) => name).join(', ');
  return [
    `epoch ${epoch}`,
    ...(policy
      ? [
          // An older one, of a restored backup, says nothing of who has what now.
          `record${record && record.epoch < epoch ? ` of epoch ${record.epoch}` : isOld ? ' (old)' : ''}: ${named ?? 'none'}${record?.durability === 'sync' ? '' : record ? ' (async)' : ''}`,
          `lease: ${holder ?? 'free'}`,
          `policy: ${policy.promotion}, ${policy.durability}${policy.strict ? ', strict' : ''}${policy.paused ? ', paused' : ''}`,
        ]
      : ['record, lease and policy are not known: Consul cannot be read']),
    ...(order ? [`order: ${order.kind}`] : []),
  ].join('; ');
}

const marks: Readonly<Record<Finding['severity'], string>> = { alert: '!!', warning: '! ', note: '- ' };

function findingLines({ severity, cause, next }: Finding): string[] {
  const [first = '', ...more] = wrapped(cause, '     ');
  return [`  ${marks[severity]} ${first.trimStart()}`, ...more, ...wrapped(`-> ${next}`, '     ')];
}
