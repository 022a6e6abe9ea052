import { orderText } from '../../common/failover/order-text.js';
import type { FailoverOrder } from '../../common/failover/shapes.js';
import type { Finding } from './model.js';
import { degraded } from './of-durability.js';
import { epochBehind, recordLost } from './of-record.js';
import { ahead, candidates, isHung, isNamed, isOpen, isServed, reportOf, selfOf, type View } from './view.js';

/** An order to move the primary that stands for longer is stuck, in ms; a rebuild copies the whole database. */
const stuckMs = { move: 30_000, rebuild: 3_600_000 };

/** What concerns the service as a whole. */
export function serviceFindings(view: View): Finding[] {
  return [
    ...paused(view),
    ...consulAway(view),
    ...recordLost(view),
    ...epochBehind(view),
    ...twoOpen(view),
    ...primaryAway(view),
    ...degraded(view),
    ...orders(view),
  ];
}

function paused(view: View): Finding[] {
  // Where writes fail, that is said with it.
  if (!view.policy?.paused || (view.primary !== undefined && !isServed(view))) return [];
  return [
    {
      topic: 'paused',
      severity: 'warning',
      cause:
        'An operator has paused the service: a Postgres that restarts stays read-only, and no order is taken.',
      next: '"hotspare resume"',
    },
  ];
}

/** An error of Consul's can be as long as it likes; the rest stands beside the member. */
const short = (why = ''): string => {
  const plain = why.replace(/(^|: )reading [^:]*: /, '$1');
  return plain.length > 60 ? `${plain.slice(0, 59)}…` : plain;
};

/** Whether its commits are acknowledged is not said: in `sync` they may wait for a standby. */
function stays(reports: View['reports']): string {
  const open = reports.filter(({ self }) => isOpen(self)).map(({ member }) => member);
  return open.length === 1 ? `, and ${open[0]} stays the primary` : '';
}

function consulAway({ unread, reports }: View): Finding[] {
  if (unread.length === 0) return [];
  const isAll = unread.length === reports.length;
  const who = unread.map(({ member }) => member).join(', ');
  return [
    {
      topic: 'consul-away',
      severity: isAll ? 'alert' : 'warning',
      cause: `${isAll ? 'No agent can' : `The agent of ${who} cannot`} read Consul (${short(unread[0]?.why)}): roles stay as they are${stays(reports)}.${isAll ? ' Restart no Postgres meanwhile: a' : ' A'} primary that restarts ${isAll ? '' : 'there '}stays read-only.`,
      next: isAll
        ? `On ${reports.length === 1 ? 'this box, and if that does not help on every' : 'every'} box, those with Consul servers first: "sudo systemctl restart consul" (in a lab: "hotspare lab start consul@all")`
        : `On ${who}: "sudo systemctl restart consul" (in a lab: "hotspare lab start consul@${unread[0]?.member}")`,
    },
  ];
}

function twoOpen({ reports, primary, service }: View): Finding[] {
  const open = reports.filter(({ self }) => isOpen(self));
  if (open.length < 2) return [];
  const wrong = open.map(({ member }) => member).filter((member) => member !== primary);
  return [
    {
      topic: 'two-primaries',
      severity: 'alert',
      cause: `${open.map(({ member }) => member).join(' and ')} are writable with open gates: both may acknowledge commits.`,
      next: `"hotspare service stop ${service}@${wrong[0]}"`,
    },
  ];
}

/** The record names a member, and none serves. */
function primaryAway(view: View): Finding[] {
  const { primary, service, policy } = view;
  // What an older record says does not count.
  if (primary === undefined || isServed(view) || epochBehind(view).length > 0) return [];
  const [best] = candidates(view);
  const report = reportOf(view, primary);
  const self = selfOf(report);
  const promote = promotionOf(view, primary, best);
  const lost = (cause: string, next?: string): Finding[] => [
    {
      topic: 'no-primary',
      severity: 'alert',
      cause: `Writes fail: ${cause}.${whoDecides(policy)}`,
      next: policy?.paused
        ? resumeText(view, next, report && isHung(report.self) ? undefined : best)
        : `${next}. ${promote}`,
    },
  ];
  const byThemselves = unasked(view, best);
  if (byThemselves)
    return [
      {
        topic: 'no-primary',
        severity: 'alert',
        ...byThemselves,
        cause: `Writes fail: ${byThemselves.cause}.`,
      },
    ];
  if (!report)
    return lost(
      `the agent of ${primary}, the primary, does not answer`,
      isRefused(view, primary)
        ? `The box ${primary} is up, and its agent does not run; whether its Postgres does is not known. On ${primary}: "sudo systemctl start hotspare-agent" (in a lab: "hotspare lab start agent@${primary}"), and look again`
        : `Bring the box ${primary} back`,
    );
  if (!self)
    return lost(`the keeper of ${primary}, the primary, does not answer`, `See to the keeper of ${primary}`);
  if (self.process === 'stopped')
    return lost(`${primary}, the primary, does not run`, `"hotspare service start ${service}@${primary}"`);
  if (isHung(self))
    return lost(
      `${primary}, the primary, runs and does not answer`,
      best === undefined || hasLess(view, best)
        ? `"hotspare service stop ${service}@${primary}", and "start" it`
        : `"hotspare promote ${best}" ends Postgres on ${primary} first${losing(view, best, primary) || ', and loses no acknowledged commit'}`,
    );
  if (policy?.paused) return lost(`${primary} waits for the end of the pause`);
  if (!self.writable && view.record?.members[0]?.incarnation !== self.incarnation)
    return lost(
      `the data on ${primary} is another copy than the one that the record names, moved or restored since`,
      `If it has everything: "hotspare promote ${primary}"`,
    );
  return lost(
    `${primary} is not open: ${report.sentence}`,
    'Wait a moment, and look again: "hotspare status"',
  );
}

/** With `auto` the end of the pause promotes who is in the record: then what brings the primary back comes first. */
function resumeText(view: View, next: string | undefined, best: string | undefined): string {
  if (next === undefined) return '"hotspare resume"';
  return view.policy?.promotion === 'auto' && best !== undefined && isNamed(view, reportOf(view, best)!)
    ? `${next}, then "hotspare resume". Resumed before it is back, it is replaced by ${best}`
    : `"hotspare resume", once what it was paused for is over; then ${next}`;
}

const isRefused = ({ away }: View, member: string): boolean =>
  away.some(({ box, why }) => box === member && /connection refused/.test(why));

function whoDecides(policy: View['policy']): string {
  if (policy?.paused)
    return ' An operator has paused the service: nothing comes back by itself until that ends.';
  return policy?.promotion === 'manual' ? ' promotion=manual: no other member takes over by itself.' : '';
}

/** Outside a `sync` record: what it lacks may have been acknowledged, and an order that does not say so is given up. */
const hasLess = (view: View, member: string): boolean =>
  view.record?.durability === 'sync' && !isNamed(view, reportOf(view, member)!);

/** The other way, where the primary does not come back. */
function promotionOf(view: View, primary: string, best: string | undefined): string {
  if (best === undefined) return 'No other member can take over';
  const report = reportOf(view, primary);
  if (report && isHung(report.self) && !hasLess(view, best))
    return `Then "hotspare service start ${view.service}@${primary}" makes ${primary} a standby`;
  if (isNamed(view, reportOf(view, best)!))
    return `Or, if it does not come back: "hotspare promote ${best}" loses no acknowledged commit`;
  if (hasLess(view, best))
    return `Or, if it is lost for good: "hotspare promote ${best} --old-primary-is-off" loses the commits that only ${primary} has${atStake(view, primary, best)}`;
  return `${
    report
      ? `Or, if it does not come back: "hotspare promote ${best}"`
      : `Or, if ${primary} is lost: switch its box off, or stop Postgres there ("sudo service postgresql stop"; in a lab: "hotspare lab stop pg@${primary}"), and then "hotspare promote ${best} --old-primary-is-off"`
  }${losing(view, best, primary)}`;
}

/** By the last that is known of the primary: its own word, or what its record says that it had some seconds before. */
function atStake(view: View, primary: string, best: string): string {
  const own = selfOf(reportOf(view, primary))?.position;
  const last = [own, view.record?.floor].find((position) => position !== undefined);
  const bytes = ahead(last, selfOf(reportOf(view, best))?.position) ?? 0;
  return bytes > 0 ? `, at least ${bytes} bytes` : '';
}

/** Of the promotion of a member of which no record says that it has all. */
const losing = (view: View, best: string, primary: string): string =>
  isNamed(view, reportOf(view, best)!) ? '' : `; commits that only ${primary} has are lost`;

/** What `promotion: auto` is at, or why it is at nothing. `best`: who could take over. */
function unasked(view: View, best: string | undefined): { cause: string; next: string } | undefined {
  const { policy, primary, reports } = view;
  if (policy?.promotion !== 'auto' || policy.paused) return undefined;
  if (reports.some(({ row }) => row === 'braked' || row === 'braked-heir'))
    return {
      cause: `${primary}, the primary, ${selfOf(reportOf(view, primary))?.process === 'stopped' ? 'does not run' : 'does not serve'}, and there were as many failovers in 10 minutes as maxFailovers allows: no member takes over by itself until the first of them is 10 minutes ago`,
      next: `"hotspare service start ${view.service}@${primary}"${best === undefined ? '' : `; if it does not come back, "hotspare promote ${best}": neither loses an acknowledged commit`}. Then find out why one primary after the other failed`,
    };
  const rising = reports.find(({ row }) => risingRows.includes(row));
  if (rising)
    return {
      cause: `${rising.member}: ${rising.sentence}`,
      next: 'It goes on by itself, within seconds. If this still stands after a minute: "hotspare history"',
    };
  // Consul has not ended the session of the old one yet.
  if (reportOf(view, primary) || best === undefined || !isNamed(view, reportOf(view, best)!))
    return undefined;
  return {
    cause: `the agent of ${primary}, the primary, does not answer; ${best} takes its place once Consul has ended the lease`,
    next: 'Wait some seconds, and look again: "hotspare status"',
  };
}

/** Of a member that is on its way to be the primary, or makes way for one. */
const risingRows: readonly string[] = [
  'step-aside',
  'step-aside-late',
  'aside',
  'take-over-order',
  'take-over',
  'stand-back',
  'gate-first',
  'promote',
  'read-mark',
  'record-promotion',
  'confirm',
  'open-gate',
];

function orders(view: View): Finding[] {
  const { order, nowMs } = view;
  if (!order) return [];
  const sinceMs = placedMs(order);
  const ageMs = sinceMs === undefined ? 0 : nowMs - sinceMs;
  const what = orderText(order);
  const doer =
    order.kind === 'rejoin' ? order.member : order.kind === 'promote' ? order.to : (view.holder ?? order.to);
  const sentence = reportOf(view, doer)?.sentence;
  const says = sentence === undefined ? '' : ` ${doer}: ${sentence}.`;
  if (ageMs < (order.kind === 'rejoin' ? stuckMs.rebuild : stuckMs.move))
    return [
      {
        topic: 'order',
        severity: 'note',
        cause: `An order is under way: ${what}.${says}`,
        next: '"hotspare history -f"',
      },
    ];
  return [
    {
      topic: 'order-stuck',
      severity: 'warning',
      cause: `An order has stood for ${Math.round(ageMs / 1_000)} s: ${what}.${says}`,
      next: '"hotspare withdraw" takes it back',
    },
  ];
}

/** An order's id holds when it was placed, in ms since 1970. */
function placedMs({ id }: FailoverOrder): number | undefined {
  const [, ms] = /-(\d{12,14})-\d+$/.exec(id) ?? [];
  return ms === undefined ? undefined : Number(ms);
}
