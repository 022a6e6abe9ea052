import { messageOf } from '../errors.js';

/** One part of a daemon: `run` resolves or rejects when the part has ended; it must end soon after the signal. */
export interface Actor {
  readonly name: string;
  run(signal: AbortSignal): Promise<void>;
}

/**
 * The whole lifecycle of a daemon: starts every actor, the first that returns (or a signal given from outside) stops
 * all, everyone is awaited. Resolves with the first error, or undefined after an orderly end.
 */
export async function runActors(actors: readonly Actor[], stop: AbortSignal): Promise<Error | undefined> {
  const controller = new AbortController();
  const onStop = () => controller.abort(stop.reason);
  if (stop.aborted) onStop();
  stop.addEventListener('abort', onStop, { once: true });
  let first: Error | undefined;
  await Promise.all(
    actors.map(async (actor) => {
      try {
        await actor.run(controller.signal);
      } catch (error) {
        if (!controller.signal.aborted)
          first ??= new Error(`${actor.name}: ${messageOf(error)}`, { cause: error });
      } finally {
        controller.abort(new Error(`${actor.name} ended`));
      }
    }),
  );
  stop.removeEventListener('abort', onStop);
  return first;
}

/** A signal that fires at the first SIGTERM or SIGINT; the second one ends the process at once. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130);
      controller.abort(new Error(`stopped by ${name}`));
    });
  }
  return controller.signal;
}
