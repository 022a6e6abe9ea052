import { refusalCodes, type LeaveAnswer } from '../../common/agent/control.js';
import { UserError } from '../../common/errors.js';
import { list, record, text } from '../../common/text/json.js';
import { targetKey, type Target } from '../../common/names.js';
import { plainText } from '../../common/text/plain-text.js';
import type { Secret } from '../../common/secret.js';
import { whyOf } from '../../status/index.js';

/** Longer than the agent's own deadline for it, in ms. */
const leaveMs = 15_000;

/** Has the agent that listens there leave the catalogue. Rejects with a UserError, a sentence, when that was not done. */
export async function leave(agent: Target & { readonly secret?: Secret }): Promise<LeaveAnswer> {
  const url = `http://${targetKey(agent)}`;
  if (!agent.secret)
    throw new UserError(
      'the agent changes nothing, as it was given no secret: set http.secretFile in its configuration and restart it',
      { exitCode: 2 },
    );
  let answer: { readonly status: number; readonly body: unknown };
  try {
    const response = await fetch(`${url}/v1/leave`, {
      method: 'POST',
      headers: { authorization: `Bearer ${agent.secret.reveal()}` },
      signal: AbortSignal.timeout(leaveMs),
      redirect: 'error',
    });
    answer = { status: response.status, body: await response.json().catch(() => undefined) };
  } catch (error) {
    throw new UserError(`the agent at ${url} did not say whether it left: ${whyOf(error, leaveMs)}`, {
      cause: error,
    });
  }
  return answerOf(url, answer);
}

function answerOf(url: string, { body, status }: { status: number; body: unknown }): LeaveAnswer {
  try {
    const said = record(body);
    if (status === 200) return { left: list(said['left']).map((name) => plainText(text(name))) };
    if (refusalCodes.some((code) => code === said['code']))
      throw new UserError(plainText(text(said['error'])), { exitCode: status === 504 ? 1 : 2 });
  } catch (error) {
    if (error instanceof UserError) throw error;
  }
  throw new UserError(
    `what answers at ${url} with HTTP status ${status} is no hotspare agent as new as this command`,
  );
}
