/**
 * A controller that aborts with its parent, until it is released. For signals that live as long as the process: of each `AbortSignal.any` on
 * one Node 20 keeps a trace for good (nodejs/node#55351).
 */
export function linked(parent: AbortSignal): { readonly controller: AbortController; release(): void } {
  const controller = new AbortController();
  const onAbort = () => controller.abort(parent.reason);
  if (parent.aborted) onAbort();
  else parent.addEventListener('abort', onAbort, { once: true });
  return { controller, release: () => parent.removeEventListener('abort', onAbort) };
}
