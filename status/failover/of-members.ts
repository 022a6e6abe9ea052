import type { FailoverReport } from '../../common/failover/report.js';
import { withoutNumbers } from '../alerts.js';
import type { Finding } from './model.js';
import { epochBehind } from './of-record.js';
import { ahead, isServed, reportOf, selfOf, type KnownSelf, type View } from './view.js';

/** A standby further behind is worth a word, in bytes: one WAL segment. */
const muchBytes = 16 * 1024 * 1024;
/** Rows in which a member is on its way by itself. */
const onTheWay: readonly string[] = [
  'start',
  'starting',
  'clone',
  'reinit',
  'step-down',
  'linger',
  'diverged',
];

/** What concerns one member each. */
export function memberFindings(view: View): Finding[] {
  return [
    ...view.away.flatMap(({ box, why }): Finding[] =>
      // Said of the service already.
      box === view.primary && !isServed(view)
        ? []
        : [
            {
              topic: `agent-away:${box}`,
              severity: 'warning',
              cause: `The agent of ${box} does not tell how it is: ${why}.`,
              next: `On ${box}: "sudo systemctl restart hotspare-agent" (in a lab: "hotspare lab start agent@${box}")`,
            },
          ],
    ),
    ...view.reports.flatMap((report) => [...ofReport(view, report), ...report.warnings.map(told(report))]),
  ];
}

/** What its own agent has to say. */
const told =
  ({ member }: FailoverReport) =>
  (warning: string): Finding => {
    const [cause = '', ...next] = warning.split('; ');
    return {
      // Until the restart, Postgres runs as it did.
      topic: `warning:${member}:${withoutNumbers(cause)}`,
      severity: cause.startsWith('Postgres has to be restarted') ? 'note' : 'warning',
      cause: `${member}: ${cause}.`,
      next: next.join('; ') || `The log of the agent of ${member} tells more`,
    };
  };

function ofReport(view: View, report: FailoverReport): Finding[] {
  const { member, self, row, sentence, eligible } = report;
  const ineligible: Finding[] = eligible.ok
    ? []
    : [
        {
          topic: `ineligible:${member}`,
          severity: 'note',
          cause: `${member} is never promoted: ${eligible.why ?? 'its configuration says so'}.`,
          next: "Nothing, if that is meant; else see its agent's configuration",
        },
      ];
  if (self.kind === 'unknown')
    return [
      ...ineligible,
      {
        topic: `keeper-away:${member}`,
        severity: 'warning',
        cause: `The keeper of ${member} does not answer (${self.why}): ${member} can be neither promoted nor fenced.`,
        next: `On ${member}: "sudo systemctl restart hotspare-keeper" (in a lab: "hotspare lab start keeper@${member}")`,
      },
    ];
  if (row === 'stray' || row === 'quarantined') return [...ineligible, strange(view, report)];
  // Without a record a member has no primary to follow: that is said of the service.
  if (!view.record && (view.epoch !== undefined || !self.managed)) return ineligible;
  // It is to be started first, as is said there.
  if (epochBehind(view).length > 0 && self.process === 'stopped') return ineligible;
  if (!self.managed)
    return [
      ...ineligible,
      {
        topic: `unmanaged:${member}`,
        severity: 'warning',
        cause: `${member} is not managed: ${sentence}.`,
        next: `Provision ${member} again, so that it is made a standby of ${view.primary ?? 'the primary'}; docs/KEEPER.md says what "init" wants`,
      },
    ];
  if (self.data === 'half-done' || self.data === 'none') return [...ineligible, empty(view, report, self)];
  if (onTheWay.includes(row))
    return [
      ...ineligible,
      {
        topic: `rejoining:${member}`,
        severity: 'note',
        cause: `${member}: ${sentence}.`,
        next: 'Wait: "hotspare status --watch"',
      },
    ];
  return [...ineligible, ...standby(view, report, self)];
}

function strange(view: View, { member, row, sentence }: FailoverReport): Finding {
  const cause =
    row === 'stray'
      ? `${member} was promoted by hand, past hotspare. Behind its closed gate it acknowledges nothing, and ${view.primary ?? 'no member'} stays the primary.`
      : `${member} cannot follow: ${sentence.replace(/^quarantined: /, '').replace(/; "hotspare reinit.*$/, '')}.`;
  return {
    topic: `strange:${member}`,
    severity: isServed(view) ? 'warning' : 'alert',
    cause,
    next: isServed(view)
      ? `"hotspare reinit ${member}" makes it a copy of ${view.primary ?? 'the primary'} again; what only it has is given up, and its WAL kept`
      : `Bring ${view.primary ?? 'the primary'} back first; then: "hotspare reinit ${member}"`,
  };
}

function empty(view: View, { member }: FailoverReport, { data }: KnownSelf): Finding {
  const what = data === 'none' ? `${member} has no data` : `A rebuild of ${member} was begun and did not end`;
  if (isServed(view))
    return {
      topic: `empty:${member}`,
      severity: 'warning',
      cause: `${what}: it is cloned from ${view.primary ?? 'the primary'} by itself.`,
      next: `Wait: "hotspare status --watch". If it takes no end, its keeper's log tells why`,
    };
  return {
    topic: `empty:${member}`,
    severity: member === view.primary ? 'alert' : 'warning',
    cause: `${what}, and there is no primary to clone.`,
    next:
      member === view.primary
        ? 'Promote another member'
        : `Bring ${view.primary ?? 'the primary'} back: then it is cloned by itself`,
  };
}

function standby(view: View, { member, sentence }: FailoverReport, self: KnownSelf): Finding[] {
  const { primary, service } = view;
  if (member === primary) return [];
  const lacksCommits =
    view.record?.durability === 'sync' && view.record.members.every(({ name }) => name !== member);
  if (self.process === 'stopped')
    return [
      {
        topic: `stopped:${member}`,
        severity: 'warning',
        cause: `${member} does not run: it cannot stand in for ${primary ?? 'a primary'}${lacksCommits && !isServed(view) ? ', and may lack its last commits' : ''}.`,
        next: `"hotspare service start ${service}@${member}"`,
      },
    ];
  if (self.writable) return [];
  if (self.replayPaused)
    return [
      {
        topic: `replay-paused:${member}`,
        severity: 'warning',
        cause: `Replay is paused on ${member}: reads there grow older, a switchover to it is refused, and commits with synchronous_commit=remote_apply wait for it.`,
        next: `Does its log say "insufficient parameter settings": raise those on ${member} as on the primary, and restart it. Else on ${member}: psql -c 'SELECT pg_wal_replay_resume()'`,
      },
    ];
  const behind = ahead(selfOf(reportOf(view, primary))?.position, self.position) ?? 0;
  if (self.source?.streaming !== true && isServed(view))
    return [
      {
        topic: `not-streaming:${member}`,
        severity: 'warning',
        // O5: a broken link, and not a primary that is gone.
        cause: `${member} does not stream from ${primary ?? 'the primary'}${behind > 0 ? `, and is ${behind} bytes behind` : ''}, though that serves: the link between the two is broken, or refused (${sentence}).`,
        next: `Try the network from ${member} to ${primary ?? 'the primary'}; the log of Postgres on ${member} tells what it meets. Does it miss WAL that is gone: "hotspare reinit ${member}" rebuilds it`,
      },
    ];
  if (behind > muchBytes)
    return [
      {
        topic: `behind:${member}`,
        severity: 'warning',
        cause: `${member} is ${behind} bytes behind: a promotion would lose them, and a switchover is refused.`,
        next: 'Wait until it has caught up: "hotspare status --watch"',
      },
    ];
  return [];
}
