/** A terminal's Ctrl-C reaches the whole group, and npm passes it on once more: signals so close together are one. */
const oneSignalMs = 500;

/** A signal that fires at the first SIGTERM or SIGINT; a second one, later, ends the process at once. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  let firstMs = 0;
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      if (!controller.signal.aborted) {
        firstMs = performance.now();
        controller.abort(new Error(`stopped by ${name}`));
      } else if (performance.now() - firstMs > oneSignalMs) process.exit(130);
    });
  }
  return controller.signal;
}
