import type { Answer, ConsulConnection, Question } from '../../../common/consul/connection.js';

/**
 * All keys below a prefix: Consul answers 404 where it has not one. It does so as well to a token that may not read them, and says 403
 * only of a single key; so `guard`, one of them, is asked for then. Throws as `get` does, and a TypeError for what is not Consul.
 */
export async function readPrefix(
  connection: Pick<ConsulConnection, 'get'>,
  question: Question,
  guard: { readonly key: string; readonly deadlineMs: number },
): Promise<Answer> {
  const answer = await connection.get({ ...question, answers: [404] });
  if (answer.status !== 404) return answer;
  if (answer.index === undefined) throw new TypeError('not the 404 of Consul');
  await askFor(connection, { ...guard, signal: question.signal });
  return { ...answer, body: [] };
}

/** Throws where the token may not read that key, whether it is there or not. */
export async function askFor(
  connection: Pick<ConsulConnection, 'get'>,
  {
    key,
    deadlineMs,
    signal,
  }: { readonly key: string; readonly deadlineMs: number; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  await connection.get({ path: `kv/${key}`, answers: [404], deadlineMs, signal });
}
