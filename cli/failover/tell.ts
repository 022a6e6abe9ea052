import { withDeadline } from '../../common/clock.js';
import { systemClock } from '../../common/runtime/clock.js';
import { refusalCodes, type RefusalCode } from '../../common/agent/control.js';
import { UserError } from '../../common/errors.js';
import type { OrderRequest, PolicyRequest } from '../../common/failover/report.js';
import { order, policy, type FailoverOrder, type Policy } from '../../common/failover/shapes.js';
import { record, text } from '../../common/text/json.js';
import { networkTroubleOf } from '../../common/network-error.js';
import { plainText } from '../../common/text/plain-text.js';
import type { Secret } from '../../common/secret.js';
import { whyOf } from '../../status/index.js';

/** Exit code of a command that Ctrl-C ended. */
export const interrupted = 130;

/** Longer than the agents' own deadlines for it, in ms. */
const tellMs = 20_000;

export interface Told {
  /** Base URLs, in the order in which they are tried. */
  readonly urls: readonly string[];
  readonly service: string;
  readonly secret: Secret;
  /** Where the secret came from, for sentences. */
  readonly secretFile: string;
  /** Ctrl-C: ends the waiting, not what was told. */
  readonly stop: AbortSignal;
}

/** Places an order; undefined: the one that stood was taken back. Rejects with a UserError that says why not. */
export async function placeOrder(to: Told, request: OrderRequest): Promise<FailoverOrder | undefined> {
  const { order: placed } = await tell(to, 'order', request);
  return placed === undefined ? undefined : order.read(placed, 'order');
}

export async function changePolicy(to: Told, request: PolicyRequest): Promise<Policy> {
  return policy.read((await tell(to, 'policy', request))['policy'], 'policy');
}

/** What each refusal ends with; docs/FAILOVER.md has the table. */
export function exitCodeOf(code: RefusalCode): number {
  switch (code) {
    case 'unsafe':
    case 'conflict':
    case 'busy':
    case 'not-managed':
    case 'no-such-path':
      return 4;
    case 'late':
      return 5;
    case 'no-secret':
    case 'secret-missing':
    case 'secret-wrong':
    case 'bad-body':
      return 2;
    default:
      return 1;
  }
}

/** Another agent may do what this one cannot. */
const worthAnother: readonly RefusalCode[] = [
  'unavailable',
  'no-secret',
  'no-such-service',
  'no-such-path',
  'not-managed',
];
/** What a box that has nothing to do with it says: it hides no other reason. */
const saysNothing: readonly RefusalCode[] = ['no-such-service', 'no-such-path', 'not-managed'];

async function tell(
  to: Told,
  path: 'order' | 'policy',
  body: OrderRequest | PolicyRequest,
): Promise<Record<string, unknown>> {
  // The first cause is told: what comes after it follows from it, or is another member's word for the same.
  let cause: UserError | undefined;
  let stranger: UserError | undefined;
  for (const url of to.urls) {
    const answer = await post(`${url}/v1/services/${to.service}/${path}`, to, body);
    switch (answer.kind) {
      case 'done':
        return answer.body;
      case 'refused': {
        const { code } = answer;
        const refused = new UserError(sentenceOf(answer, url, to), { exitCode: exitCodeOf(code) });
        if (!worthAnother.includes(code)) throw refused;
        if (saysNothing.includes(code)) stranger ??= refused;
        else cause ??= refused;
        break;
      }
      case 'not-told':
        cause ??= new UserError(`the agent at ${url} cannot be told: ${answer.why}`);
        break;
      case 'stopped':
        throw new UserError(
          `only this command ends: the agent at ${url} may have got it, and then it is done. "hotspare status" shows whether an order stands, "hotspare withdraw" takes it back`,
          { exitCode: interrupted },
        );
      case 'unknown':
        throw new UserError(
          `the agent at ${url} did not say what came of it: ${answer.why}. It may still be done: "hotspare status" shows whether the order stands, "hotspare history" what was done`,
          { exitCode: 5 },
        );
    }
  }
  throw cause ?? stranger ?? new UserError(`no agent of ${to.service} is known`);
}

function sentenceOf({ code, why }: Extract<Answer, { kind: 'refused' }>, url: string, to: Told): string {
  switch (code) {
    case 'secret-wrong':
    case 'secret-missing':
      return `the agent at ${url} refuses the secret in ${to.secretFile}: it must be the one in the file http.secretFile of that agent`;
    case 'no-such-path':
      return `the agent at ${url} is older than this command and moves no roles: upgrade it`;
    default:
      return why;
  }
}

type Answer =
  | { readonly kind: 'done'; readonly body: Record<string, unknown> }
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly why: string }
  /** It has not heard of it. */
  | { readonly kind: 'not-told'; readonly why: string }
  /** Ctrl-C. */
  | { readonly kind: 'stopped' }
  | { readonly kind: 'unknown'; readonly why: string };

async function post(url: string, { secret, stop }: Told, body: object): Promise<Answer> {
  let response: Response;
  try {
    const ask = (signal: AbortSignal) =>
      fetch(url, {
        method: 'POST',
        headers: { authorization: `Bearer ${secret.reveal()}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal,
        redirect: 'error',
      });
    response = await withDeadline(systemClock, tellMs, 'the agent', ask, stop);
  } catch (error) {
    if (stop.aborted) return { kind: 'stopped' };
    const why = whyOf(error, tellMs);
    const trouble = networkTroubleOf(error instanceof Error ? error.cause : error);
    return { kind: trouble === 'refused' || trouble === 'unreachable' ? 'not-told' : 'unknown', why };
  }
  try {
    const said = record(await response.json());
    if (response.ok) return { kind: 'done', body: said };
    const known = refusalCodes.find((one) => one === said['code']);
    if (known !== undefined) return { kind: 'refused', code: known, why: plainText(text(said['error'])) };
  } catch {
    // Said below.
  }
  return { kind: 'unknown', why: `HTTP status ${response.status} came without an answer that can be read` };
}
