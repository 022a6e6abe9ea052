import { refusalCodes, type RefusalCode } from '../common/agent/control.js';
import { failoverReport } from '../common/failover/report.js';
import { event, type FailoverEvent } from '../common/failover/shapes.js';
import { list, record, text } from '../common/text/json.js';
import { plainText, plainTexts } from '../common/text/plain-text.js';
import type { FailoverReading } from './failover/model.js';
import { whyOf } from './why.js';

/** Asks one agent. Never rejects. */
export async function readFailover(
  url: string,
  service: string,
  timeoutMs: number,
): Promise<FailoverReading> {
  const answer = await ask(url, `${service}/failover`, timeoutMs);
  switch (answer.kind) {
    case 'refused':
      return {
        kind:
          // An older agent has no such path: it moves no roles either.
          answer.code === 'not-managed' || answer.code === 'no-such-path'
            ? 'not-managed'
            : answer.code === 'no-such-service'
              ? 'no-member'
              : 'failed',
        url,
        why: answer.why,
      };
    case 'failed':
      return answer;
    case 'answered':
      try {
        const report = plainTexts(failoverReport.read(answer.body, 'report'));
        if (report.service === service) return { kind: 'read', url, report };
        return failed(url, `speaks of ${report.service}, not of ${service}`);
      } catch (error) {
        return failed(url, `says what this command cannot read: ${whyOf(error, timeoutMs)}`);
      }
  }
}

export type HistoryReading =
  | {
      readonly kind: 'read';
      readonly events: readonly FailoverEvent[];
      readonly unreadable: readonly { readonly key: string; readonly why: string }[];
    }
  | { readonly kind: 'failed'; readonly why: string };

/** The history, as one agent reads it in Consul; the oldest event first. Never rejects. */
export async function readHistory(url: string, service: string, timeoutMs: number): Promise<HistoryReading> {
  const answer = await ask(url, `${service}/history`, timeoutMs);
  if (answer.kind !== 'answered') return { kind: 'failed', why: answer.why };
  try {
    const { events, unreadable } = record(answer.body);
    return {
      kind: 'read',
      events: plainTexts(list(events).map((one, index) => event.read(one, `events[${index}]`))),
      unreadable: list(unreadable).map((one) => {
        const { key, why } = record(one);
        return { key: plainText(text(key)), why: plainText(text(why)) };
      }),
    };
  } catch (error) {
    return failed(url, `says what this command cannot read: ${whyOf(error, timeoutMs)}`);
  }
}

type Answer =
  | { readonly kind: 'answered'; readonly body: unknown }
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly why: string }
  | { readonly kind: 'failed'; readonly url: string; readonly why: string };

async function ask(url: string, path: string, timeoutMs: number): Promise<Answer> {
  try {
    const response = await fetch(`${url}/v1/services/${path}`, {
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'error',
    });
    const body: unknown = await response.json();
    return response.ok ? { kind: 'answered', body } : refusalOf(url, response.status, body);
  } catch (error) {
    return failed(url, `does not answer: ${whyOf(error, timeoutMs)}`);
  }
}

function refusalOf(url: string, status: number, body: unknown): Answer {
  const { code, error } = record(body);
  const known = refusalCodes.find((one) => one === code);
  return known === undefined
    ? failed(url, `answers with HTTP status ${status}`)
    : { kind: 'refused', code: known, why: plainText(text(error)) };
}

const failed = (url: string, why: string) =>
  ({ kind: 'failed', url, why: plainText(`the agent at ${url} ${why}`) }) as const;
