import type { Server } from 'node:net';
import { UserError } from '../errors.js';
import { listenWords, type ListenAdvice, type ListenAt } from '../network-error.js';

/** Resolves once the server listens. `what` it cannot do otherwise begins the UserError that it rejects with: `cannot serve …`. */
export async function listenAt(
  server: Server,
  at: ListenAt,
  { what, ...advice }: ListenAdvice & { readonly what: string },
): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(typeof at === 'string' ? { path: at } : { host: at.host, port: at.port }, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (error) {
    throw new UserError(`${what}: ${listenWords(error, at, advice)}`, { cause: error });
  }
}
