import { assertNever } from '../../common/assert-never.js';
import { DeadlineError } from '../../common/clock.js';
import { codeOf, isFault, messageOf } from '../../common/errors.js';
import { networkTroubleOf } from '../../common/network-error.js';
import type { ProbeResult } from '../core/model.js';

/** What a failed connection attempt or exchange says about the member. Throws what is a fault of our own. */
export function judgeError(
  error: unknown,
  timing: { readonly tookMs: number; readonly deadlineMs: number },
): ProbeResult {
  if (isFault(error)) throw error;
  const { tookMs, deadlineMs } = timing;
  const code = codeOf(error) ?? '';
  if (error instanceof DeadlineError) {
    // The answer may lie in the socket's buffer, unread, while this process had no turn.
    if (tookMs > deadlineMs * 1.5 + 50) return { kind: 'unknown', obstacle: { kind: 'agent-late' } };
    return { kind: 'critical', trouble: { kind: 'no-answer', deadlineMs } };
  }
  const trouble = networkTroubleOf(error);
  switch (trouble) {
    case 'refused':
    case 'closed':
    case 'garbage':
      return { kind: 'critical', trouble: { kind: trouble } };
    case 'silent':
      return { kind: 'critical', trouble: { kind: 'no-answer', deadlineMs } };
    case 'unreachable':
      return { kind: 'critical', trouble: { kind: 'unreachable', code } };
    case 'own-side':
      return { kind: 'unknown', obstacle: { kind: 'agent-side', text: code } };
    case undefined:
      return { kind: 'unknown', obstacle: { kind: 'agent-side', text: messageOf(error).slice(0, 200) } };
    default:
      return assertNever(trouble);
  }
}
