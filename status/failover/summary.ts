import { findingsOf } from './findings.js';
import type { FailoverMember, FailoverSummary } from './model.js';
import type { FailoverReport } from '../../common/failover/report.js';
import { epochBehind } from './of-record.js';
import { isOpen, unfit, type View } from './view.js';

/** What the agents of a managed service say, in one. Pure. */
export function failoverSummary(view: View): FailoverSummary {
  const { epoch = 0, holder, order, policy, record, reports } = view;
  const blocked = blockade(view);
  return {
    ...(policy && { policy }),
    ...(record && { record }),
    epoch: Math.max(epoch, ...reports.map((report) => report.epoch)),
    ...(holder !== undefined && { holder }),
    ...(order && { order }),
    members: reports.map((report): FailoverMember => {
      const { member, self, row, sentence } = report;
      const known = self.kind === 'known' ? self : undefined;
      const why = isPrimary(view, report) ? 'it is the primary' : (unfit(view, report) ?? blocked);
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

/** While Consul cannot be read, whoever is open is. */
const isPrimary = ({ primary }: View, { member, self }: FailoverReport): boolean =>
  primary === undefined ? isOpen(self) : member === primary;

/** Why no member can be promoted now. */
function blockade(view: View): string | undefined {
  if (view.epoch === undefined) return 'Consul cannot be read';
  return epochBehind(view).length > 0 ? 'Consul holds an older record' : undefined;
}
