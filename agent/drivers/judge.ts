import { DeadlineError } from '../../common/clock.js';
import { codeOf, messageOf } from '../../common/errors.js';
import type { ProbeResult } from '../core/model.js';

/** Own shortages: they say nothing about the service. */
const agentSide = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EADDRNOTAVAIL', 'ENOBUFS']);
const unreachable = new Set([
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENETDOWN',
]);
const closed = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED']);

/** What a failed connection attempt or exchange says about the member. */
export function judgeError(
  error: unknown,
  timing: { readonly tookMs: number; readonly deadlineMs: number },
): ProbeResult {
  const { tookMs, deadlineMs } = timing;
  const code = codeOf(error) ?? '';
  if (error instanceof DeadlineError) {
    // The answer may lie in the socket's buffer, unread, while this process had no turn.
    if (tookMs > deadlineMs * 1.5 + 50) return { kind: 'unknown', obstacle: { kind: 'agent-late' } };
    return { kind: 'critical', trouble: { kind: 'no-answer', deadlineMs } };
  }
  if (code === 'ECONNREFUSED') return { kind: 'critical', trouble: { kind: 'refused' } };
  if (code === 'ETIMEDOUT') return { kind: 'critical', trouble: { kind: 'no-answer', deadlineMs } };
  if (closed.has(code)) return { kind: 'critical', trouble: { kind: 'closed' } };
  if (unreachable.has(code)) return { kind: 'critical', trouble: { kind: 'unreachable', code } };
  if (code.startsWith('HPE_')) return { kind: 'critical', trouble: { kind: 'garbage' } };
  if (agentSide.has(code)) return { kind: 'unknown', obstacle: { kind: 'agent-side', text: code } };
  return { kind: 'unknown', obstacle: { kind: 'agent-side', text: messageOf(error).slice(0, 200) } };
}
