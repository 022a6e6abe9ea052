import type { IncomingMessage } from 'node:http';
import { DeadlineError, withDeadline, type Clock } from '../../common/clock.js';
import { Problem } from './reply.js';

export interface BodyLimits {
  /** Largest body that is looked at, in bytes. */
  readonly bodyBytes: number;
  /** A larger one is read to its end and thrown away up to here, so that the client gets to read the refusal. */
  readonly discardBytes: number;
  /** The whole body must be here by then, in ms. */
  readonly bodyDeadlineMs: number;
}

export const defaultBodyLimits: BodyLimits = {
  bodyBytes: 64 * 1024,
  discardBytes: 8 * 1024 * 1024,
  bodyDeadlineMs: 10_000,
};

/** After this answer the connection is of no use: the rest of the body may still be on its way. */
const closing = { Connection: 'close' };

/** The body as JSON, or a `Problem`: 400, 408, 413 or 415. */
export async function readJson(request: IncomingMessage, limits: BodyLimits, clock: Clock): Promise<unknown> {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (type !== 'application/json' || encoding !== 'identity')
    throw new Problem(
      'unsupported-media-type',
      'Send the todo as plain JSON, with the header "Content-Type: application/json".',
      { 'Accept-Post': 'application/json', 'Accept-Patch': 'application/json' },
    );
  const bytes = await readBytes(request, limits, clock);
  return parseJson(bytes);
}

async function readBytes(request: IncomingMessage, limits: BodyLimits, clock: Clock): Promise<Buffer> {
  const tooLarge = `A body may have ${limits.bodyBytes} bytes at most.`;
  if (Number(request.headers['content-length'] ?? 0) > limits.discardBytes)
    throw new Problem('body-too-large', tooLarge, closing);

  const chunks: Buffer[] = [];
  let length = 0;
  const collect = new Promise<void>((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= limits.bodyBytes) chunks.push(chunk);
      else chunks.length = 0;
      if (length > limits.discardBytes) reject(new Problem('body-too-large', tooLarge, closing));
    });
    request.on('end', resolve);
    request.on('error', reject);
    request.on('close', () => reject(new Problem('invalid-request', 'The body was cut short.', closing)));
  });
  try {
    await withDeadline(clock, limits.bodyDeadlineMs, 'request body', () => collect);
  } catch (error) {
    request.removeAllListeners('data');
    request.resume();
    if (!(error instanceof DeadlineError)) throw error;
    throw new Problem(
      'request-timeout',
      `The body was not complete within ${limits.bodyDeadlineMs} ms.`,
      closing,
    );
  }
  if (length > limits.bodyBytes) throw new Problem('body-too-large', tooLarge);
  return Buffer.concat(chunks, length);
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new Problem('malformed-json', 'The body could not be read as JSON in UTF-8.');
  }
}
