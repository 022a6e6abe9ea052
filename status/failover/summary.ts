import { findingsOf } from './findings.js';
import type { FailoverMember, FailoverSummary } from './model.js';
import { unfit, type View } from './view.js';

/** What the agents of a managed service say, in one. Pure. */
export function failoverSummary(view: View): FailoverSummary {
  const { epoch = 0, holder, order, policy, record, reports } = view;
  return {
    ...(policy && { policy }),
    ...(record && { record }),
    epoch: Math.max(epoch, ...reports.map((report) => report.epoch)),
    ...(holder !== undefined && { holder }),
    ...(order && { order }),
    members: reports.map((report): FailoverMember => {
      const { member, self, row, sentence } = report;
      const known = self.kind === 'known' ? self : undefined;
      const why = member === view.primary ? 'it is the primary' : unfit(view, report);
      return {
        member,
        epoch: report.epoch,
        gate: known?.gate.kind ?? 'unknown',
        ...(known?.history && { timeline: known.source?.timeline ?? known.history.timeline }),
        ...(known?.position !== undefined && { position: known.position }),
        promotable: why === undefined ? { ok: true } : { ok: false, why },
        row,
        sentence,
      };
    }),
    findings: findingsOf(view),
  };
}
