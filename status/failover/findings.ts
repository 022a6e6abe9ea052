import { serviceFindings } from './of-service.js';
import { memberFindings } from './of-members.js';
import type { Finding } from './model.js';
import type { View } from './view.js';

const order = { alert: 0, warning: 1, note: 2 } as const;

/** What is not as it should be, the worst first, each with what to type next. Pure. */
export function findingsOf(view: View): Finding[] {
  return [...serviceFindings(view), ...memberFindings(view)].sort(
    (a, b) => order[a.severity] - order[b.severity],
  );
}
