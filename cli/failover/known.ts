import type { FailoverReport } from '../../common/failover/report.js';
import { lagBytes, parseLsn } from '../../common/postgres/lsn.js';
import { newestRecord } from './verdict.js';

/** How far somebody was seen to have written or received. */
interface Known {
  readonly whose: string;
  readonly position: string;
}

function positions(reports: readonly FailoverReport[]): Known[] {
  const ofMembers = reports.flatMap(({ member, self }) =>
    self.kind === 'known' && self.position !== undefined ? { whose: member, position: self.position } : [],
  );
  const record = newestRecord(reports);
  const floor =
    record?.floor === undefined
      ? []
      : [
          {
            whose: `${record.members[0]?.name ?? 'the primary'}, by the record`,
            position: record.floor,
          },
        ];
  const released = reports
    .flatMap(({ shared }) => (shared.kind === 'read' ? (shared.leader ?? []) : []))
    .flatMap(({ member, released }) =>
      released?.position === undefined
        ? []
        : { whose: `${member}, when it let the lease go`, position: released.position },
    )
    .slice(0, 1);
  return [...ofMembers, ...released, ...floor];
}

/** What is known before a promotion, as lines. Pure. */
export function promoteKnown(reports: readonly FailoverReport[], to: string): string[] {
  const all = positions(reports);
  const own = all.find(({ whose }) => whose === to);
  const width = Math.max(0, ...all.map(({ whose }) => whose.length));
  return [
    'Known positions:',
    ...all.map(({ whose, position }) => `  ${whose.padEnd(width)}  ${position}`),
    atStake(reports, to, all, own),
  ];
}

function atStake(
  reports: readonly FailoverReport[],
  to: string,
  all: readonly Known[],
  own: Known | undefined,
): string {
  const record = newestRecord(reports);
  const old = record?.members[0]?.name;
  const self = reports.find(({ member }) => member === to)?.self;
  const isThatCopy = (entry: { name: string; incarnation: string }) =>
    entry.name === to && self?.kind === 'known' && self.incarnation === entry.incarnation;
  if (old !== to && record?.durability === 'sync' && record.members.some(isThatCopy))
    return `${to} is in the record: it has every commit that was acknowledged. What ${old} may have beyond that was acknowledged to none.`;
  if (!own) return `How far ${to} is, is not known.`;
  const ahead = Math.max(0, ...all.map((one) => between(one.position, own.position) ?? 0));
  const heard =
    old === undefined ||
    old === to ||
    all.some(({ whose }) => whose === old || whose.startsWith(`${old}, when it let`));
  const what =
    ahead > 0 ? `At stake: ${ahead} bytes of WAL that ${to} does not have.` : `${to} has all that is known.`;
  return heard
    ? what
    : `${what} ${old} does not say how far it wrote: commits that it acknowledged and ${to} never received are lost.`;
}

/** Bytes between two positions of Postgres, `TIMELINE/LSN`; undefined when they are of something else. */
function between(ahead: string, behind: string): number | undefined {
  try {
    const lsn = (position: string) => parseLsn(position.slice(position.indexOf('/') + 1));
    return lagBytes(lsn(ahead), lsn(behind));
  } catch {
    return undefined;
  }
}

/** What is known before a member is rebuilt, as lines. Pure. */
export function rejoinKnown(reports: readonly FailoverReport[], member: string): string[] {
  const report = reports.find((one) => one.member === member);
  return [
    ...(report ? [`${member}: ${report.sentence}.`] : [`The agent of ${member} does not answer.`]),
    `WAL that only ${member} has is kept on its box, in "kept" in the keeper's folder;`,
    '"hotspare history" names the folder and the bytes.',
  ];
}
