import type { Finding } from './failover/model.js';
import type { Summary } from './model.js';

/** Something that a person should hear of: `alert` wakes them, `warning` can wait for the morning. */
export interface Alert {
  /** The same from the first message to the one that it is over. */
  readonly id: string;
  readonly severity: 'alert' | 'warning';
  readonly cause: string;
  /** What to do, with the command to type; empty where the cause says it. */
  readonly next: string;
}

/** One message: `resolved` once it was so no more. `sinceMs` is wall-clock. */
export interface Message extends Alert {
  readonly service: string;
  readonly state: 'firing' | 'resolved';
  readonly sinceMs: number;
}

/** So long something must stand until it is told, and must be gone until that is, in ms: a switchover is neither. */
export const settleMs = 3_000;

interface Tracked {
  readonly alert: Alert;
  readonly sinceMs: number;
  readonly isTold: boolean;
  /** Since when it is not so any more. */
  readonly goneMs: number | undefined;
}
export type AlertState = ReadonlyMap<string, Tracked>;
export const noAlerts: AlertState = new Map();

/** Numbers and positions change while the same goes on; names such as pg1 do not. */
export const withoutNumbers = (text: string): string => text.replace(/\b\d[\dA-F/.:TZ-]*\b/g, '#');

/** What is wrong now. A summary of what could not be read at all is one alert of its own. */
export function alertsIn({ failover, why, members, mode }: Summary): Alert[] {
  const found = (failover?.findings ?? []).flatMap((finding) =>
    finding.severity === 'note' ? [] : alertOf(finding, finding.severity),
  );
  // Where agents lead, that writes fail is told by them, once.
  const isTold = mode === 'read-write' || failover !== undefined;
  const plain = why.map((cause): Alert => ({
    id: withoutNumbers(cause),
    severity: isTold ? 'warning' : 'alert',
    cause,
    next: '',
  }));
  const unseen: Alert[] =
    members.length > 0
      ? []
      : [{ id: 'nothing-read', severity: 'alert', cause: 'Nothing can be read of the service.', next: '' }];
  return [...new Map([...unseen, ...found, ...plain].map((alert) => [alert.id, alert])).values()];
}

const alertOf = ({ topic, cause, next }: Finding, severity: Alert['severity']): Alert => ({
  id: topic,
  severity,
  cause,
  next,
});

/** What is to be told after this look: one message a cause, another when it becomes worse, and one when it is over. Pure. */
export function nextAlerts(
  state: AlertState,
  { service, alerts, nowMs }: { service: string; alerts: readonly Alert[]; nowMs: number },
): { readonly state: AlertState; readonly messages: readonly Message[] } {
  const after = new Map<string, Tracked>();
  const messages: Message[] = [];
  const tell = ({ alert, sinceMs }: Tracked, kind: Message['state']) =>
    messages.push({ service, ...alert, state: kind, sinceMs });
  for (const alert of alerts) {
    const before = state.get(alert.id);
    const isWorse = before?.alert.severity === 'warning' && alert.severity === 'alert';
    const isTold = before?.isTold === true && !isWorse;
    const tracked: Tracked = {
      // What is over is told in the words in which it began.
      alert: isTold ? before.alert : alert,
      sinceMs: before?.sinceMs ?? nowMs,
      isTold,
      goneMs: undefined,
    };
    const isDue = !tracked.isTold && nowMs - tracked.sinceMs >= settleMs;
    if (isDue) tell(tracked, 'firing');
    after.set(alert.id, isDue ? { ...tracked, isTold: true } : tracked);
  }
  for (const [id, before] of state) {
    if (after.has(id)) continue;
    const goneMs = before.goneMs ?? nowMs;
    if (nowMs - goneMs < settleMs) after.set(id, { ...before, goneMs });
    else if (before.isTold) tell(before, 'resolved');
  }
  return { state: after, messages };
}
