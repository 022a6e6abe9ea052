// What an HTTP server should answer to the errors of the database: used by server.mjs, fit for Express and Fastify.
import { ConnectionLostError, DownError, OutcomeUnknownError, ReadOnlyError } from 'hotspare';

/** Status, headers and body; null when the error is none of ours: then it is a 500, as before. */
export function answerFor(error) {
  if (error instanceof ReadOnlyError)
    return answer(503, 'read-only', 'Read-only for the moment. Nothing was changed; try again later.');
  if (error instanceof DownError || error instanceof ConnectionLostError)
    return answer(503, 'down', 'The database cannot be reached. Nothing was changed; try again.');
  if (error instanceof OutcomeUnknownError)
    return answer(504, 'unknown', 'Nobody knows whether this was done. Send it again with the same id.');
  return null;
}

const answer = (status, code, message) => ({
  status,
  headers: { 'retry-after': '2' },
  body: { code, message },
});
